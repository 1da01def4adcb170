package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/logly-go/logly"
)

// setting is how a log is written, rotated and tailed in a run.
type setting struct {
	pattern string // of the files that the agent tails
	polling bool   // look every second rather than at each event

	compression logly.Compression
	delay       bool
	keep        int // MaxBackups

	rotation logly.Rotation
	apart    string // how long it takes to the next rotation, for people
	rate     int    // records a second; 0: as many as possible

	down   time.Duration // how long the agent is down in the middle of the run
	killed bool          // it goes down by SIGKILL
}

const (
	live    = "app.log"
	backups = "app-*.log"
	both    = "app*.log"
)

// Records are about 250 bytes: at 20,000 a second these are so far apart.
const (
	rate  = 20_000
	often = "0.2 s apart"
	apart = "1 s apart"
	burst = "a burst"
)

var settings = []setting{
	{pattern: live, rotation: "5 MB", rate: rate, apart: apart},
	{pattern: live, rotation: "1 MB", rate: rate, apart: often},
	{pattern: live, rotation: "1 MB", apart: burst},
	{pattern: live, rotation: "5 MB", rate: rate, apart: apart, down: 2 * time.Second},

	{pattern: both, rotation: "5 MB", rate: rate, apart: apart},
	{pattern: both, rotation: "1 MB", rate: rate, apart: often},
	{pattern: both, rotation: "1 MB", apart: burst},
	{pattern: both, rotation: "5 MB", rate: rate, apart: apart, down: 2 * time.Second},
	{pattern: both, rotation: "5 MB", rate: rate, apart: apart, down: 2 * time.Second, killed: true},
	{pattern: both, rotation: "5 MB", rate: rate, apart: apart, polling: true},

	{pattern: both, compression: logly.Gzip, rotation: "1 MB", apart: burst},
	{pattern: both, compression: logly.Gzip, rotation: "5 MB", rate: rate, apart: apart, down: 2 * time.Second},

	{pattern: both, compression: logly.Gzip, delay: true, rotation: "5 MB", rate: rate, apart: apart},
	{pattern: both, compression: logly.Gzip, delay: true, rotation: "1 MB", apart: burst},
	{pattern: both, compression: logly.Gzip, delay: true, rotation: "5 MB", rate: rate, apart: apart, down: 2 * time.Second},
	{pattern: both, compression: logly.Gzip, delay: true, rotation: "5 MB", rate: rate, apart: apart, polling: true},

	{pattern: backups, rotation: "1 MB", apart: burst},
	{pattern: backups, rotation: "1 MB", apart: burst, keep: 7},
	{pattern: backups, rotation: "5 MB", rate: rate, apart: apart, down: 2 * time.Second, killed: true},

	{pattern: backups, compression: logly.Gzip, rotation: "5 MB", rate: rate, apart: apart, down: 2 * time.Second},

	{pattern: backups, compression: logly.Gzip, delay: true, rotation: "1 MB", rate: rate, apart: often},
	{pattern: backups, compression: logly.Gzip, delay: true, rotation: "1 MB", apart: burst},
	{pattern: backups, compression: logly.Gzip, delay: true, rotation: "5 MB", rate: rate, apart: apart, down: 2 * time.Second},
	{pattern: backups, compression: logly.Gzip, delay: true, rotation: "5 MB", rate: rate, apart: apart, polling: true},
}

// sink is the sink of the run; it writes to path.
func (s setting) sink(path string) logly.Sink {
	return logly.Sink{
		File: path, Enqueue: true, Rotation: s.rotation, MaxBackups: s.keep,
		Compression: s.compression, DelayCompression: s.delay,
	}
}

// String returns the beginning of the setting's row.
func (s setting) String() string {
	options := []string{}
	if s.compression != "" {
		options = append(options, "Gzip")
	}
	if s.delay {
		options = append(options, "DelayCompression")
	}
	if s.keep > 0 {
		options = append(options, fmt.Sprintf("MaxBackups %d", s.keep))
	}
	if len(options) == 0 {
		options = append(options, "all backups, plain")
	}
	agent := "runs"
	switch {
	case s.killed:
		agent = fmt.Sprintf("is killed, down for %v", s.down)
	case s.down > 0:
		agent = fmt.Sprintf("is stopped, down for %v", s.down)
	}
	if s.polling {
		agent += ", polling"
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s |", s.pattern, strings.Join(options, ", "), s.apart, agent)
}
