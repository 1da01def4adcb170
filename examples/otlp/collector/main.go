// Command collector builds an OpenTelemetry Collector with the components of
// builder.yaml, unless it has done so before, and prints the path of the binary:
//
//	$(go run ./collector) --config file:collector/collector.yaml
//
// It needs Go and its module proxy, some minutes the first time, and is no part
// of this module's dependencies.
package main

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
)

//go:embed builder.yaml
var components []byte

const builder = "go.opentelemetry.io/collector/cmd/builder@v0.165.0"

func main() {
	dir := flag.String("dir", "", "directory for the binary; empty: logly-otelcol in the user's cache directory")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	binary, err := build(ctx, *dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "collector:", err)
		os.Exit(1)
	}
	fmt.Println(binary)
}

// build returns the path of the Collector's binary, which it builds if it is not
// there. The name says what it was built from.
func build(ctx context.Context, dir string) (string, error) {
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("-dir is needed: %w", err)
		}
		dir = filepath.Join(cache, "logly-otelcol")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append([]byte(builder+runtime.GOOS+runtime.GOARCH), components...))
	binary := filepath.Join(dir, fmt.Sprintf("otelcol-%x", sum[:6]))
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	if _, err := os.Stat(binary); !errors.Is(err, fs.ErrNotExist) {
		return binary, err
	}

	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(dir, "build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	if err := os.WriteFile(filepath.Join(work, "builder.yaml"), components, 0o600); err != nil {
		return "", err
	}
	// The builder ends with go mod tidy, which wants the modules of all tests,
	// too. The sources are there before, and it is they that count.
	generated := goTool(ctx, work, "run", builder, "--config", "builder.yaml", "--skip-compilation")
	sources := filepath.Join(work, "dist")
	if _, err := os.Stat(filepath.Join(sources, "go.mod")); err != nil {
		return "", fmt.Errorf("generate the Collector's sources: %w", errors.Join(generated, err))
	}
	built := filepath.Join(work, filepath.Base(binary))
	if err := goTool(ctx, sources, "build", "-mod=mod", "-trimpath", "-ldflags=-s -w", "-o", built, "."); err != nil {
		return "", fmt.Errorf("build the Collector: %w", errors.Join(generated, err))
	}
	// Others may be building it at the same time.
	return binary, os.Rename(built, binary)
}

// goTool runs the go command in dir. What it says goes to standard error.
func goTool(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...) //gosec:disable G204 -- our own commands
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go %s: %w", args[0], err)
	}
	return nil
}
