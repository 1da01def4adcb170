package main

import (
	"strings"
	"testing"
)

func TestFlags(t *testing.T) {
	c, err := flags(nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.rounds < 5 || len(c.parts) != len(parts) || len(c.goroutines) != 4 {
		t.Errorf("%+v", c)
	}
	for _, bad := range []string{"-part x", "-systems slog,x", "-goroutines 1,0", "-rounds 0", "x"} {
		if _, err := flags(strings.Fields(bad)); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

func TestPlan(t *testing.T) {
	c, err := flags(nil)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, g := range plan(c) {
		for _, turn := range g.turns {
			if seen[turn.key] {
				t.Errorf("%s twice", turn.key)
			}
			seen[turn.key] = true
		}
	}
	for _, key := range []string{
		"saturated/1/logly", "saturated/1024/write", "paced/8/slog", "rotation/yes/logly", "rotation/no/slog-lumberjack",
		"count/10/logly", "count/10000000/logly", "idle/0/logly", "idle/10/slog", "stuck/8/logly",
	} {
		if !seen[key] {
			t.Errorf("no %s", key)
		}
	}
	c, err = flags(strings.Fields("-part paced -systems slog -goroutines 3"))
	if err != nil {
		t.Fatal(err)
	}
	if p := plan(c); len(p) != 1 || len(p[0].turns) != 1 || p[0].turns[0].key != "paced/3/slog" {
		t.Errorf("%+v", p)
	}
	if patterns(c) != "" {
		t.Error("benchmarks that nobody asked for")
	}
}

func TestCommand(t *testing.T) {
	if got := command([]string{"-docs", "", "-raw", "x.json", "-dir", "a b"}); got != "go run ./cmd/drive -docs '' -dir 'a b'" {
		t.Error(got)
	}
}
