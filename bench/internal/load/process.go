package load

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/logly-go/logly/bench/internal/verify"
)

// childEnv holds the Spec for a process that is to run it.
const childEnv = "LOGLY_BENCH_SPEC"

// limit is how long a run may take: a system may hang.
const limit = 3 * time.Minute

// Child runs the Spec that this process was started for, prints the Result and
// exits. In other processes it does nothing.
func Child() {
	text := os.Getenv(childEnv)
	if text == "" {
		return
	}
	var s Spec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		fail(err)
	}
	r, err := measure(s)
	if err != nil {
		fail(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		fail(err)
	}
	os.Exit(0)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// Run runs s in a process of its own and verifies what it has written. What
// goes wrong with the system is in the Result; an error is trouble of the
// harness.
func Run(ctx context.Context, s Spec) (Result, error) {
	dir, err := os.MkdirTemp(s.Dir, "logly-bench-")
	if err != nil {
		return Result{}, err
	}
	defer os.RemoveAll(dir)
	s.Dir = dir
	passes := s.passes()
	for _, p := range append(passes, pass{dir: "probe"}) {
		if err := os.Mkdir(filepath.Join(dir, p.dir), 0o700); err != nil {
			return Result{}, err
		}
	}
	r, err := execute(ctx, s)
	if s.Mode == Killed && err == nil && r.Failed == "" {
		s.Mode = reopened
		r, err = execute(ctx, s)
	}
	if err != nil || s.Mode == Probe || s.Mode == Stuck {
		return r, err
	}
	found, errs := make([]verify.Report, len(passes)), make([]error, len(passes))
	var all sync.WaitGroup
	for i, p := range passes {
		all.Go(func() { found[i], errs[i] = verify.Dir(filepath.Join(dir, p.dir), logName, p.want) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return r, err
	}
	for _, f := range found {
		r.Verified.Add(f)
	}
	if r.Verified.Lines > 0 {
		r.LineBytes = float64(r.Verified.Bytes) / float64(r.Verified.Lines)
	}
	return r, nil
}

// execute runs s in another process of this program.
func execute(ctx context.Context, s Spec) (Result, error) {
	self, err := os.Executable()
	if err != nil {
		return Result{}, err
	}
	spec, err := json.Marshal(s)
	if err != nil {
		return Result{}, err
	}
	timed, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(timed, self) //gosec:disable G204 -- this program
	cmd.Env = append(os.Environ(), childEnv+"="+string(spec))
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	runErr := cmd.Run()
	if ctx.Err() != nil {
		return Result{}, context.Cause(ctx)
	}
	var r Result
	switch {
	case timed.Err() != nil:
		r.Failed = fmt.Sprintf("still running after %v", limit)
	case runErr != nil && (s.Mode != Killed || stdout.Len() == 0): // what is killed as it should be has said so before
		line, _, _ := strings.Cut(stderr.String(), "\n")
		r.Failed = cmp.Or(line, runErr.Error())
	default:
		if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
			return r, fmt.Errorf("%s: unreadable result %q: %w", s.System, stdout.String(), err)
		}
	}
	return r, nil
}
