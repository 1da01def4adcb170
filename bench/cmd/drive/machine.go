package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// compared are the modules whose versions the page names.
var compared = []string{
	"go.uber.org/zap", "go.uber.org/zap/exp", "github.com/rs/zerolog", "github.com/phuslu/log",
	"gopkg.in/natefinch/lumberjack.v2", "github.com/DeRuina/timberjack",
}

// versions returns those of Go and of what is compared.
func versions() []string {
	all := []string{runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return all
	}
	for _, m := range info.Deps {
		if slices.Contains(compared, m.Path) {
			all = append(all, m.Path+" "+m.Version)
		}
	}
	return all
}

// machine describes what the figures hold for.
func machine(dir string) []string {
	cpu := fmt.Sprintf("%s/%s, GOMAXPROCS %d", runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
	if model := field("/proc/cpuinfo", "model name"); model != "" {
		cpu = model + ", " + cpu
	}
	if kernel, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		cpu += ", kernel " + strings.TrimSpace(string(kernel))
	}
	all := []string{cpu}
	if memory := field("/proc/meminfo", "MemTotal"); memory != "" {
		all = append(all, "memory: "+memory)
	}
	if fs := fileSystem(dir); fs != "" {
		all = append(all, "files on "+fs)
	}
	return all
}

// field returns the value of a line "name : value" of a file.
func field(path, name string) string {
	text, err := os.ReadFile(path) //gosec:disable G304 -- one of /proc
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// fileSystem returns the type of the file system that dir is on.
func fileSystem(dir string) string {
	text, err := os.ReadFile("/proc/mounts")
	if err != nil {
		return ""
	}
	longest, kind := "", ""
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 3 || len(f[1]) < len(longest) {
			continue
		}
		if at := strings.TrimSuffix(f[1], "/"); dir == f[1] || strings.HasPrefix(dir, at+"/") {
			longest, kind = f[1], f[2]
		}
	}
	return kind
}

// command returns what runs this program as it was run, but for -raw, which
// changes nothing.
func command(args []string) string {
	c := "go run ./cmd/drive"
	if i := slices.Index(args, "-raw"); i >= 0 {
		args = slices.Delete(slices.Clone(args), i, min(i+2, len(args)))
	}
	for _, a := range args {
		if a == "" || strings.ContainsAny(a, " \t$*'\"\\") {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		c += " " + a
	}
	return c
}
