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
// # In the background
//
// With Enqueue, Handle copies the finished line into a queue of QueueSize bytes
// and returns; one worker writes what has gathered, many lines at a time. Per
// sink, lines stand in the order in which Handle took them, and the records of
// one goroutine never swap.
//
// When the queue is full, callers wait for room, first come first served. With
// DropBelow, records below its level are dropped instead, and counted: before
// the next record that is accepted stands one that says how many are missing,
//
//	{"time":…,"level":"WARN","msg":"logly: records dropped","count":17}
//
// Without a queue, Handle writes the line itself, with one Write, as slog's
// handlers do.
//
// # Complete and Close
//
// [Handler.Complete] returns nil once all that was logged before the call is
// written and, in files, on disk. [Handler.Close] does that too, then ends all
// goroutines and closes the files. Defer Close in main; call Complete wherever a
// record must not be lost from here on. os.Exit and log.Fatal run no deferred
// calls: call Close before them.
//
// Neither hangs on a destination that fails or blocks: they return an error that
// says why and how many records are left, Complete after one more try, Close
// after about a second of them, and both after 5 seconds in which nothing moves.
// CompleteContext and CloseContext wait until their context ends instead.
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
// # Context fields
//
// [Contextualize] puts fields into a context.Context, and every record logged
// with that context has them at its root, whatever groups are open. They are
// per request or per task without any global state, as contexts are. With
// [FromContext] a handler takes what others have put into the context, such as
// trace ids. Only the calls that take a context pass it on: InfoContext and its
// like, not Info.
//
// # Files
//
// Rotation says when a new file is started, by size, time or both; see
// [Rotation]. The old one is renamed by lumberjack
// (gopkg.in/natefinch/lumberjack.v2), to app-2006-01-02T15-04-05.000.log for
// app.log, then compressed if Compression is Gzip, and removed once MaxBackups,
// MaxAge or MaxTotalSize say so. That happens in the background; Close waits for
// it. Files of other names are never touched.
//
// New files have mode 0600 or FileMode. When somebody else renames or removes
// the file, logly notices within a second and starts a new one; it works
// together with logrotate, with copytruncate and without.
// [Handler.Rotate] rotates at once, for example on SIGHUP.
//
// One process at a time may write a file.
//
// # When something fails
//
// With a queue, what cannot be written stays queued and is tried again, the rest
// of a half-written line first, until it succeeds or Close gives up. Without
// one, Handle returns the error and the record is not kept. [OnError] gets what
// goes wrong; without it, it is a line on standard error, at most one a second
// for each sink. Every record that is lost is counted in [Stats].Dropped.
//
// What Handle accepted is lost only by DropBelow, by a destination that fails
// until Close gives up, or when the process dies before the queue was written;
// with Durable only by DropBelow.
//
// # What not to do
//
// Do not call Complete, Close or Rotate, and do not log through the same
// handler, from inside a Writer, a ReplaceAttr or an inner Handler: that
// deadlocks. From OnError and from a LogValuer it is fine.
package logly
