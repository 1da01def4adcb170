package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// agentConf is the configuration that docs/TAILERS.md recommends. A run replaces
// the paths in it, and what docs/TAILERS.md says for other patterns.
//
//go:embed rsyslog.conf
var agentConf string

// agent is an rsyslogd of our own: its configuration, state and output are in
// the directory of a run, and it has no socket.
type agent struct {
	rsyslogd string // its path
	dir      string

	process *exec.Cmd     // nil: it is down
	ended   chan struct{} // closed when the process is gone
	said    bytes.Buffer  // on standard error; to be read when the process is gone
}

// findAgent returns the path of rsyslogd.
func findAgent() (string, error) {
	for _, name := range []string{"rsyslogd", "/usr/sbin/rsyslogd"} { // not in everybody's PATH
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("rsyslogd is neither in PATH nor in /usr/sbin; Debian and Ubuntu have it in the package rsyslog")
}

// newAgent prepares an agent that tails the files in dir/logs as s says.
func newAgent(rsyslogd, dir string, s setting) (*agent, error) {
	a := &agent{rsyslogd: rsyslogd, dir: dir}
	spool := filepath.Join(dir, "spool")
	if err := errors.Join(os.Mkdir(spool, 0o700), os.Mkdir(a.logs(), 0o700)); err != nil {
		return nil, err
	}
	mode, state := `mode="inotify"`, `persistStateInterval="1000"`
	if s.polling {
		mode = `mode="polling" pollingInterval="1"`
	}
	if s.pattern == both { // else it ships what is renamed once more
		state = `deleteStateOnFileDelete="off"`
	}
	conf := strings.NewReplacer(
		`mode="inotify"`, mode,
		`persistStateInterval="1000"`, state,
		"/var/log/app/app-*.log", filepath.Join(a.logs(), s.pattern),
		"/var/log/shipped.log", a.shipped(),
	).Replace(agentConf)
	conf = fmt.Sprintf("global(workDirectory=%q net.enableDNS=\"off\")\n%s", spool, conf)
	return a, os.WriteFile(a.conf(), []byte(conf), 0o600)
}

func (a *agent) logs() string    { return filepath.Join(a.dir, "logs") }
func (a *agent) conf() string    { return filepath.Join(a.dir, "rsyslog.conf") }
func (a *agent) shipped() string { return filepath.Join(a.dir, "shipped.log") }

// start starts rsyslogd, which ctx ends at the latest.
func (a *agent) start(ctx context.Context) error {
	process := exec.CommandContext(ctx, a.rsyslogd, "-n", "-i", filepath.Join(a.dir, "rsyslogd.pid"), "-f", a.conf()) //gosec:disable G204 -- the agent that was found
	process.Stderr = &a.said
	if err := process.Start(); err != nil {
		return err
	}
	a.process, a.ended = process, make(chan struct{})
	go func() {
		defer close(a.ended)
		_ = process.Wait() // stop tells why
	}()
	return nil
}

// stop ends rsyslogd: as an init system does, or at once.
func (a *agent) stop(how os.Signal) error {
	if a.process == nil {
		return nil
	}
	process := a.process
	a.process = nil
	err := process.Process.Signal(how)
	if errors.Is(err, os.ErrProcessDone) { // which its state explains
		err = nil
	}
	select {
	case <-a.ended:
	case <-time.After(30 * time.Second):
		err = errors.Join(errors.New("rsyslogd does not end"), process.Process.Kill())
		<-a.ended
	}
	if how == syscall.SIGTERM && !process.ProcessState.Success() {
		err = errors.Join(err, fmt.Errorf("rsyslogd: %v\n%s", process.ProcessState, &a.said))
	}
	return err
}
