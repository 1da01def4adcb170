// Package logly is a handler for log/slog that writes to rotated files, to
// standard output and to other handlers, in the background if wanted, and loses
// nothing on the way.
//
//	h := logly.NewHandler(
//		logly.Sink{File: "log/app.log", Enqueue: true, Rotation: logly.Daily, MaxBackups: 7, Compression: logly.Gzip},
//		logly.Sink{Writer: os.Stderr, Level: slog.LevelWarn},
//	)
//	defer h.Close()
//	slog.SetDefault(slog.New(h))
//
// Everything else is log/slog: existing calls stay as they are, and the JSON and
// Text formats are byte for byte what [slog.JSONHandler] and [slog.TextHandler]
// write.
//
// # Sinks
//
// A handler writes every record to all of its sinks. A [Sink] is a destination —
// a File, an io.Writer or another slog.Handler — with a level, a format and,
// when Enqueue is set, a queue. The zero value of every field is its default,
// and the zero Sink writes to standard output.
//
// A record is encoded once, in the goroutine that logs it, for all sinks that
// write alike. What the caller changes afterwards changes no output.
//
// [NewHandler] panics only if the options contradict themselves; a file that
// cannot be opened is reported, and tried again. [Open] returns both as errors,
// for programs that would rather not start.
//
// # Choosing
//
// In a container whose platform collects standard output, nothing is needed but
//
//	h := logly.NewHandler()
//
// Standard output is a pipe there, and its reader may stall. A queue lets callers
// go on meanwhile, and DropBelow also when it is full: records below that level
// are then dropped and counted, the others wait.
//
//	logly.Sink{Enqueue: true, DropBelow: slog.LevelWarn}
//
// On a server with disks, a file that keeps itself in bounds:
//
//	logly.Sink{
//		File: "/var/log/app/app.log", Enqueue: true, Durable: true,
//		Rotation: "100 MB or daily", MaxBackups: 14, Compression: logly.Gzip,
//	}
//
// Both at once are two sinks. Each has a queue of its own, and gets a record
// before the caller waits for room in the other. Still, who waits logs nothing
// more anywhere: give DropBelow to the sink that may stall, and not to the file.
//
//	h := logly.NewHandler(
//		logly.Sink{File: "/var/log/app/app.log", Enqueue: true},
//		logly.Sink{Enqueue: true, DropBelow: slog.LevelError},
//	)
//
// For a command-line tool, standard error: lines for people at a terminal and JSON
// elsewhere, written before the call returns.
//
//	logly.Sink{Writer: os.Stderr}
//
// # Levels, formats and attributes
//
// Level, AddSource and ReplaceAttr mean what they mean in [slog.HandlerOptions].
// A [slog.LevelVar] changes the level while the program runs:
//
//	var level slog.LevelVar // Info
//	h := logly.NewHandler(logly.Sink{Level: &level, AddSource: true})
//	level.Set(slog.LevelDebug)
//
// Format is [JSON], [Text] or [Console]. Left empty, it is Console where Writer
// is a terminal, else JSON. Console is made for reading: a record is one line,
// whatever it holds, coloured on a terminal unless NO_COLOR is set or TERM is
// dumb.
//
//	10:20:30.123 INF order paid request_id=r-4711 amount=12.5
//
// ReplaceAttr removes or rewrites attributes:
//
//	logly.Sink{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
//		if a.Key == "password" {
//			return slog.Attr{} // removed
//		}
//		return a
//	}}
//
// # In the background
//
// With Enqueue, Handle copies the finished line into a queue of QueueSize bytes
// and returns; one worker writes what has gathered, many lines at a time. Per
// sink, lines stand in the order in which Handle took them, and the records of
// one goroutine never swap.
//
//	logly.Sink{File: "app.log", Enqueue: true, QueueSize: 8 << 20} // 8 MiB
//
// When the queue is full, callers wait for room, first come first served. With
// DropBelow, records below its level are dropped instead, and counted: before
// the next record that is accepted stands one that says how many are missing,
//
//	{"time":…,"level":"WARN","msg":"logly: records dropped","count":17}
//
// A record larger than the queue waits for its turn, and is then written straight
// from the caller's memory.
//
// Without a queue, Handle writes the line itself, with one Write, as slog's
// handlers do.
//
// # Files
//
// Rotation says when a new file is started, by size, time or both, in words; see
// [Rotation]. The old one is renamed by lumberjack
// (gopkg.in/natefinch/lumberjack.v2), to app-2006-01-02T15-04-05.000.log for
// app.log, then compressed if Compression is Gzip, and removed once MaxBackups,
// MaxAge or MaxTotalSize say so, whichever comes first. That happens in the
// background; Close waits for it. Files of other names are never touched.
//
//	logly.Sink{
//		File: "app.log", Enqueue: true,
//		Rotation: "1 GiB or monday at 06:00", LocalTime: true,
//		MaxBackups: 30, MaxAge: 90 * 24 * time.Hour, MaxTotalSize: 20 << 30,
//		Compression: logly.Gzip, DelayCompression: true, FileMode: 0o640,
//	}
//
// A file exceeds its size only where a single record does. Times are those of
// the calendar, in UTC or with LocalTime in local time, across daylight saving; a
// file is rotated on time also when nothing is logged, and at open if it was last
// written to in an earlier period. An empty file is not rotated.
//
// New files have mode 0600, or FileMode whatever the umask; missing directories
// are made. DelayCompression leaves the newest backup plain for an agent that
// still reads it: docs/TAILERS.md tells how to ship a file with one.
//
// [Handler.Rotate] rotates at once, and reopens a file that logrotate has moved;
// for example on SIGHUP:
//
//	hup := make(chan os.Signal, 1)
//	signal.Notify(hup, syscall.SIGHUP)
//	go func() {
//		for range hup {
//			if err := h.Rotate(); err != nil {
//				slog.Error("rotate", "error", err)
//			}
//		}
//	}()
//
// Rotation, Compression and Format unmarshal from text, with errors that say what
// is accepted, so a configuration file can hold them.
//
// # Writers and other handlers
//
// A Writer gets whole lines, one or more a Write, one Write at a time. It is never
// closed. Complete and Close call Flush once all is written, and then the Writer's
// Sync method, if it has one that returns an error:
//
//	buffered := bufio.NewWriter(conn)
//	h := logly.NewHandler(logly.Sink{
//		Writer: buffered, Enqueue: true,
//		Flush: func(context.Context) error { return buffered.Flush() },
//	})
//
// A Handler gets the records themselves, so that any slog.Handler can have a
// queue, and fields of the context at its root. Its own options say how it writes
// and, where Level is not set, which levels it takes. A record for which it
// returns an error is reported and counted, and not tried again, since half the
// work may be done. Its panic is such an error with Enqueue, and the caller's
// without.
//
//	logly.Sink{Handler: slog.NewTextHandler(conn, nil), Enqueue: true}
//
// # Context fields
//
// [Contextualize] puts fields into a context.Context, and every record logged
// with that context has them at its root, whatever groups are open. They are
// per request or per task without any global state, as contexts are.
//
//	ctx = logly.Contextualize(ctx, "request_id", id)
//	slog.InfoContext(ctx, "started")
//
// With [FromContext] a handler takes what others have put into the context, such
// as trace ids.
//
//	h := logly.NewHandler(logly.FromContext(func(ctx context.Context) []slog.Attr {
//		if u, ok := ctx.Value(userKey{}).(string); ok {
//			return []slog.Attr{slog.String("user", u)}
//		}
//		return nil
//	}))
//
// Only the calls that take a context pass it on: InfoContext and its like, not
// Info.
//
// # Complete and Close
//
// [Handler.Complete] returns nil once all that was logged before the call is
// written and, in files, on disk. [Handler.Close] does that too, then ends all
// goroutines and closes the files. Call Complete wherever a record must not be
// lost from here on:
//
//	slog.InfoContext(ctx, "order paid", "amount", 12.5)
//	if err := h.Complete(); err != nil {
//		return err
//	}
//
// Neither hangs on a destination that fails or blocks: they return an error that
// says why and how many records are left, Complete after one more try, Close
// after about a second of them, and both after 5 seconds in which nothing moves.
// With CompleteContext and CloseContext the context says how long to wait while
// nothing moves, and with CloseContext also how long to try:
//
//	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
//	defer cancel()
//	err := h.CloseContext(ctx)
//
// # Shutdown
//
// Defer Close in main. A return, a panic of main's goroutine and runtime.Goexit
// run deferred calls; os.Exit, log.Fatal and a panic in another goroutine do
// not, nor does a signal that the program does not catch. So catch SIGTERM, and
// let nothing but main's last line call os.Exit:
//
//	func main() { os.Exit(run()) }
//
//	func run() int {
//		h := logly.NewHandler(logly.Sink{File: "log/app.log", Enqueue: true})
//		defer h.Close()
//		slog.SetDefault(slog.New(h))
//
//		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
//		defer stop()
//		if err := serve(ctx); err != nil { // returns when ctx ends
//			slog.Error("serve", "error", err)
//			return 1
//		}
//		return 0
//	}
//
// What logs must have ended before Close: afterwards Handle returns [ErrClosed],
// and the record is counted as dropped. After slog.SetDefault package log writes
// to the handler too, so the message of log.Fatal is queued, and may be lost with
// the rest.
//
// # Durable: a queue that survives kill -9
//
// os.Exit, a panic in another goroutine, the out-of-memory killer and SIGKILL
// take with them what is queued: the last records, the ones that say why. With
// Durable the queue of a File is a memory-mapped file beside it, app.log.queue,
// and takes nothing with it:
//
//	h, err := logly.Open(logly.Sink{File: "/var/log/app/app.log", Enqueue: true, Durable: true})
//
// What it promises: when Handle has returned nil, the record will be in the log
// once, whole and in its order, however the process ends. The next handler that
// opens the file, in the next run of the program, writes what is left before all
// else, and counts it in [Stats].Recovered. It knows from the queue file how far
// the last batch had come, and goes on at that byte, in the file that has its
// beginning, be it a backup by now. Only where others have removed, compressed
// or changed that file meanwhile may records stand there twice, and [OnError] is
// told.
//
// What it does not promise: that a record survives the machine. What the kernel
// had not written when the power failed is gone, in the queue file as in the log;
// [Handler.Complete] has the log on disk before it returns. A queue file of an
// earlier boot is not trusted. The whole lines in it are written, rather twice
// than never, and the file is set aside as app.log.queue.damaged-TIME and
// reported. So is one that is damaged otherwise.
//
// What it costs: the disk space of QueueSize, taken at open, and hardly more time
// than a queue in memory, since it takes no system call to put a record in. Close
// removes the file if nothing is left in it.
//
// In a container put the log, and with it the queue file, on the volume that
// outlives the container. One process at a time has a queue file: Open in a
// second one returns an error that names it, at the death of the first it is
// free. NewHandler reports that, works with a queue in memory, and goes over to
// the file as soon as it is free; so it does where the disk is full. Durable is
// there on Linux, macOS and FreeBSD; elsewhere, and on file systems that cannot
// map a file, Open's error says so.
//
// # When something fails
//
// With a queue, what cannot be written stays queued and is tried again, the rest
// of a half-written line first, until it succeeds or Close gives up. Without
// one, Handle returns the error and the record is not kept. [OnError] gets what
// goes wrong, an [*Error] that says in which sink and doing what; without it, it
// is a line on standard error, at most one a second for each sink.
//
//	h := logly.NewHandler(
//		logly.Sink{File: "log/app.log", Enqueue: true},
//		logly.OnError(func(err error) {
//			var e *logly.Error
//			if errors.As(err, &e) && errors.Is(err, syscall.ENOSPC) {
//				alert("no room for " + e.Sink)
//			}
//		}),
//	)
//
// Every record that is lost is counted in [Stats].Dropped; docs/OPERATING.md
// has the alerts to set. What Handle accepted is lost only by DropBelow, by a
// Handler that returns an error, by a destination that fails until Close gives
// up, or when the process dies before the queue was written; with Durable only by
// DropBelow. In particular:
//
//   - Disk full, I/O error, no permission: the records stay queued. Tries come
//     10 ms after a failure, then twice as long after each up to 1 s; Complete
//     asks for one at once. Once the queue is full, callers wait.
//   - A file that cannot be opened at the start, or that another handler of this
//     process has: Open returns the error. NewHandler reports it and goes on
//     trying.
//   - The file was renamed: noticed within a second, and a new one started; until
//     then lines go to the renamed one, and none is lost. So logrotate works.
//   - The file was removed, or its directory: both are made anew, and lines that
//     went to the removed file in the last batch are written again.
//   - The file was truncated, as by copytruncate: logly appends at the new end.
//   - A symbolic link or a directory in the file's place: not followed, reported,
//     the records stay queued. A link that was there at open is resolved once.
//   - A short Write: the rest of the line goes first, to the file that took its
//     beginning. A Write that panics or claims more bytes than it got counts as
//     failed.
//   - A slow Writer: the queue takes peaks; once it is full callers wait, or
//     DropBelow drops.
//   - A Write that does not return: the same, and Complete and Close give up after
//     5 seconds. The other sinks go on.
//   - The reader of standard output is gone: SIGPIPE ends the process, as it ends
//     every Go program; if the program ignores that signal, the sink fails.
//   - fsync fails: Complete returns that, once, and never a later success in its
//     place.
//   - A rotation fails: logly goes on in the old file, and tries again after 1 s.
//   - The clock is set back: nothing is rotated twice, and backups keep their
//     order.
//   - The process is killed: the log may end inside a line, which the next start
//     ends before its first. What was queued is gone, with Durable not.
//   - The power fails: what was logged before the last Complete that returned nil
//     is there. Of the rest, what the kernel had written.
//   - A second process on the same file: with Durable it gets an error. Without,
//     nothing stops it, and what it writes to a file that the other has just
//     rotated may be lost when that is compressed.
//
// docs/RELIABILITY.md lists more, each with the test that proves it.
//
// # In tests
//
// A handler on [testing.T.Output] logs among the lines of its test, which go test
// shows if it fails:
//
//	func TestOrders(t *testing.T) {
//		h := logly.NewHandler(logly.Sink{Writer: t.Output(), Format: logly.Text, Level: slog.LevelDebug})
//		t.Cleanup(func() { h.Close() })
//		logger := slog.New(h)
//		logger.Debug("only where the test fails, or with -v")
//	}
//
// With Enqueue the worker is a goroutine: in a bubble of testing/synctest make
// the handler inside and close it before the bubble ends.
//
// # In libraries
//
// A library has no use for this package: it takes a [*slog.Logger] or a
// [slog.Handler], and the program decides where the records go. It logs with the
// context that it was called with, and so with the fields that the program has
// put there.
//
//	type Client struct{ logger *slog.Logger }
//
//	func NewClient(logger *slog.Logger) *Client {
//		return &Client{logger: logger.With("component", "client")}
//	}
//
//	func (c *Client) Fetch(ctx context.Context, url string) {
//		c.logger.DebugContext(ctx, "fetching", "url", url)
//	}
//
// # What logly does not do
//
// It does not send records over the network: ship the file with an agent, or put
// a handler that sends behind a queue. It does not sample, and drops only below
// DropBelow. It does not let several processes write one file. It has no
// package-level logger and no functions to log with: those are slog's.
//
// # What not to do
//
// Do not call Complete, Close or Rotate, and do not log through the same
// handler, from inside a Writer, a ReplaceAttr or an inner Handler: that
// deadlocks. From OnError and from a LogValuer it is fine.
package logly
