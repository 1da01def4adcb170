package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/logly-go/logly/bench/internal/peer"
)

// Markdown returns the page. plots holds names and captions. A brief page leaves
// out the targets that nothing was measured for.
func (d *Data) Markdown(plots [][2]string, brief bool) string {
	var b strings.Builder
	heading := func(h string) { fmt.Fprintf(&b, "## %s\n\n", h) }
	text := func(s string) { b.WriteString(strings.TrimSpace(s) + "\n\n") }
	section := func(h, intro, body string) {
		if body != "" {
			heading(h)
			text(intro)
			b.WriteString(body)
		}
	}
	b.WriteString("# Performance\n\n")
	text("This page is written by the command that measures, in the directory `bench`:")
	text("```\n" + d.Command + "\n```")
	if d.Rounds > 1 {
		text(fmt.Sprintf("Every figure is the median of %d rounds. In each round all systems take their turns under one load before the next "+
			"begins, in an order that moves on by one each time, so that what else the machine does hits all of them. A ratio is the median of "+
			"the ratios within the rounds, and so need not be that of the medians beside it. Encoders have %d rounds.", d.Rounds, d.Rounds*max(1, d.Slices)))
	}
	text(fmt.Sprintf("Measured on %s in %v.", d.Date.UTC().Format("2006-01-02 15:04 UTC"), d.Took.Round(time.Second)))
	for _, m := range d.Machine {
		fmt.Fprintf(&b, "- %s\n", m)
	}
	fmt.Fprintf(&b, "- %s\n\n", strings.Join(d.Versions, ", "))

	t := newTable("what", "must be", "is", "")
	for _, one := range d.targets() {
		if !brief || one.met != unknown {
			t.row(one.what, one.must, one.got, string(one.met))
		}
	}
	section("Targets", "Against slog and the peers in the same run.", t.String())
	for _, p := range plots {
		fmt.Fprintf(&b, "![%s](%s)\n\n", p[1], p[0])
	}

	for _, of := range []struct{ name, heading, intro string }{
		{"Log", "The log call", "From `slog.Logger` to a writer that discards."},
		{"Handle", "Handle alone", "The same records, already made. What slog.Logger does before, the clock and the caller's program counter among it, is not in here."},
	} {
		body := ""
		if s := d.encodeTable(of.name, "seq"); s != "" {
			body += "One goroutine:\n\n" + s
		}
		if s := d.encodeTable(of.name, "par"); s != "" {
			body += "In parallel on all processors:\n\n" + s
		}
		section(of.heading, of.intro+` Nanoseconds and, in brackets, the share of slog's; the fastest in bold. Those that write less for
a record are not told apart: zap writes the time as a number, zerolog whole seconds, and phuslu/log's Logger.Slog milliseconds.`, body)
	}

	var saturated, paced strings.Builder
	for _, n := range d.numbers("saturated") {
		fmt.Fprintf(&saturated, "### %s\n\n%s", capital(goroutines(n)), d.saturatedTable(n))
	}
	for _, n := range d.numbers("paced") {
		fmt.Fprintf(&paced, "### %s\n\n%s", capital(goroutines(n)), d.pacedTable("paced", n))
	}
	section("Whole systems, as fast as they can", `
Each system runs in a process of its own, into a file. A call has five attributes, one of them the sequence number, and the
goroutine's number by With. Throughput, CPU time and memory are taken in a pass that looks at no clock between the calls, and
counts until the last record is written, though not on disk, which only logly and zap could wait for; the times of the calls
are of a second pass. Afterwards the file is read line by line: each must be valid JSON, and every record there, once, and in
its goroutine's order. "The fastest peer" is the fastest that loses nothing.`, saturated.String())
	section("Whole systems, paced", `
20,000 records/s in all, each at its due time.`, paced.String())
	if saturated.Len()+paced.Len() > 0 {
		section("Losses", "What the files showed, all rounds together.", d.losses())
	}
	section("Killed", `
20,000 records/s over 8 goroutines; when the last call has returned, the process is killed with SIGKILL. The system is then
opened once more, to write what it may have saved. All rounds together.`, d.killedTable())
	section("Flatness", "What a record costs must not depend on how many there are.", d.flatness())
	section("Idle", "CPU time of the process, of one core.", d.idleTable())
	section("Rotation under load", `
20,000 records/s of 1 KB more over 8 goroutines, a new file every 10 MB, the old one compressed with gzip.`, d.rotationTable())
	heading("How the systems are configured")
	for _, s := range peer.Systems() {
		switch {
		case d.Gone[s.Name] != "":
			fmt.Fprintf(&b, "- %s: not measured: %s\n", s.Title, d.Gone[s.Name])
		case s.Note != "":
			fmt.Fprintf(&b, "- %s: %s.\n", s.Title, s.Note)
		}
	}
	return b.String()
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
