// Package bench compares logly with other loggers that serve log/slog. It is a
// module of its own, so that logly's users inherit none of them.
//
// The Go benchmarks measure the call and the encoder in front of a writer that
// discards; benchstat tells the handlers apart by the name's last part:
//
//	go test -bench . -count 10 | tee new.txt
//	benchstat -col /handler new.txt
//
// The command drive does that too, drives whole systems into real files, and
// writes docs/PERFORMANCE.md:
//
//	go run ./cmd/drive
//
// It needs a Unix system for CPU times, and Linux for peak memory.
//
// The command console draws the pictures of the Console format in docs.
package bench
