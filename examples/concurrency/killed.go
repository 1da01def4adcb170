package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/logly-go/logly"
)

const (
	kills      = 5
	goroutines = 4
)

// killed starts this program several times as a process that logs as fast as it
// can, and kills it at a random moment. What it had accepted and not written
// yet, the next one finds in the queue and writes.
func killed(dir string) (outcome, error) {
	o := outcome{underWay: true}
	saved, err := o.logOne(dir)
	for range kills {
		if err == nil {
			err = o.logUntilKilled(dir, &saved)
		}
	}
	if err != nil {
		return o, err
	}
	last, err := o.logOne(dir)
	o.note = fmt.Sprintf(", %d of them saved from the queue", saved+last)
	return o, err
}

func durable(dir string) logly.Sink {
	return logly.Sink{File: app(dir), Enqueue: true, Durable: true}
}

// logOne logs one record in this process and returns how many of others it has
// recovered.
func (o *outcome) logOne(dir string) (recovered int, err error) {
	h, err := logly.Open(durable(dir))
	if err != nil {
		return 0, err
	}
	slog.New(h).Info("a record of the scenario", "producer", len(o.logged), "seq", 0, "ok", true)
	o.logged = append(o.logged, 1)
	return int(h.Stats()[0].Recovered), errors.Join(h.Complete(), h.Close()) //gosec:disable G115 -- few
}

// logUntilKilled starts a process that logs, kills it, and adds up what it has
// told: how many records it has recovered, and which of its own were accepted.
func (o *outcome) logUntilKilled(dir string, saved *int) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	victim := exec.Command(self) //gosec:disable G204 -- this program
	victim.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s", victimEnv, len(o.logged), dir))
	victim.Stderr = os.Stderr
	pipe, err := victim.StdoutPipe()
	if err != nil {
		return err
	}
	if err := victim.Start(); err != nil {
		return err
	}
	told := bufio.NewReader(pipe)
	var recovered int
	if _, err := fmt.Fscanln(told, &recovered); err != nil {
		return errors.Join(err, victim.Process.Kill(), victim.Wait())
	}
	*saved += recovered
	kill := time.AfterFunc(rand.N(50*time.Millisecond), func() { _ = victim.Process.Kill() }) //gosec:disable G404 -- no secret
	defer kill.Stop()
	accepted := make([]int, goroutines)
	for {
		goroutine, err := told.ReadByte()
		if err == io.EOF {
			break
		}
		if err != nil {
			return errors.Join(err, victim.Process.Kill(), victim.Wait())
		}
		accepted[goroutine]++
	}
	o.logged = append(o.logged, accepted...)
	if err := victim.Wait(); victim.ProcessState.Exited() {
		return fmt.Errorf("the process ended before it was killed: %w", err)
	}
	return nil
}

// victimEnv is set for a process that is to be killed: to the number of its
// first producer and the directory.
const victimEnv = "LOGLY_CONCURRENCY_VICTIM"

// beVictim logs until it is killed, if this process was started for that. On
// standard output it tells how many records it has recovered and then, in a byte
// each, which goroutine had one accepted. What is in the pipe outlives the
// process, so it tells no more and no less than what Handle has said.
func beVictim() {
	number, dir, ok := strings.Cut(os.Getenv(victimEnv), " ")
	if !ok {
		return
	}
	first, err := strconv.Atoi(number)
	if err != nil {
		panic(err)
	}
	h, err := logly.Open(durable(dir))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(h.Stats()[0].Recovered)
	for g := range goroutines {
		go func() {
			for seq := 0; ; seq++ {
				r := slog.NewRecord(time.Now(), slog.LevelInfo, "a record of the scenario", 0)
				r.Add("producer", first+g, "seq", seq, "ok", true)
				if err := h.Handle(context.Background(), r); err != nil {
					panic(err)
				}
				if _, err := os.Stdout.Write([]byte{byte(g)}); err != nil { //gosec:disable G115 -- goroutines are few
					panic(err) // nobody listens, and so nobody is going to kill this process
				}
			}
		}()
	}
	select {}
}
