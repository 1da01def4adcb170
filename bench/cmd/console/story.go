package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/logly-go/logly"
)

// service is a shop's server from its start to its end.
func service(t *teller) {
	t.Info("listening", "addr", netip.MustParseAddrPort("127.0.0.1:8080"), "version", "1.4.2")
	t.pass(3 * time.Millisecond)
	t.Debug("cache warmed", "entries", 4096, "took", 2700*time.Microsecond)

	first := logly.Contextualize(context.Background(), "request_id", "7f3a")
	second := logly.Contextualize(context.Background(), "request_id", "7f3b")
	t.pass(2410 * time.Millisecond)
	t.InfoContext(first, "served", "method", "GET", "path", "/orders/4711", "status", 200, "took", 1840*time.Microsecond)
	t.pass(655 * time.Millisecond)
	t.DebugContext(second, "body read", "bytes", 1532)
	t.pass(1200 * time.Millisecond)
	t.WarnContext(second, "slow query", "took", 1204*time.Millisecond, "sql", "SELECT *\nFROM orders\nWHERE total > $1")
	t.pass(18 * time.Millisecond)
	t.WithGroup("card").ErrorContext(second, "payment declined", "last4", "4242",
		"err", fmt.Errorf("order %d: %w", 4712, errors.New("no funds")))
	t.pass(2 * time.Millisecond)
	t.InfoContext(second, "served", "method", "POST", "path", "/orders", "status", 402, "took", 1875*time.Millisecond)
	t.pass(840 * time.Millisecond)
	t.Warn("login failed", "user", "root\n09:41:12.000 INF login ok", "left", 2)
	t.pass(7 * time.Second)
	_, err := os.ReadFile("no/rates.json")
	t.Error("rates not refreshed", "age", 26*time.Hour, "err", err)
	t.pass(11 * time.Second)
	t.Info("shutting down", "signal", os.Interrupt, slog.Group("open", "requests", 2, "sockets", 5))
	t.pass(96 * time.Millisecond)
	t.Info("bye")
}

// sheet has everything that Console can write.
func sheet(t *teller) {
	service(t)
	for _, part := range []func(*teller){levels, kinds, groups, long, lines, hostile} {
		t.pass(time.Second)
		part(t)
	}
	t.pass(time.Second)
	t.withSource(levels)
}

func levels(t *teller) {
	for l := slog.LevelDebug; l <= slog.LevelError+4; l += 2 {
		t.Log(context.Background(), l, "a record of level "+l.String(), "key", "value")
	}
}

func kinds(t *teller) {
	t.Info("words and numbers", "word", "plain", "words", "in quotes", "empty", "", "int", -42, "float", 0.125, "big", 1e21, "bool", true)
	t.Info("times", "duration", 90*time.Second, "time", t.now.In(time.FixedZone("", 2*60*60)))
	t.Info("other values", "nil", nil, "slice", []string{"a", "b c"}, "map", map[string]int{"x": 1, "y": 2},
		"struct", struct {
			Name string
			Port int
		}{"db", 5432}, "bytes", []byte("raw"), "stringer", &url.URL{Scheme: "https", Host: "example.com", Path: "/a"})
	t.Info("an error in a record that is none", "err", errors.New("connection reset by peer"))
	t.Error("several errors", "err", errors.Join(errors.New("closing the file"), errors.New("removing it")), "cause", context.DeadlineExceeded)
	t.Info("")
	t.Info("no attributes")
	t.Info("a=b \"quoted\" inside, with = and quotes", "path", `C:\new`, "query", "a=b", "said", `"yes"`)
}

func groups(t *teller) {
	t.Info("request", slog.Group("req", "method", "GET", "path", "/", slog.Group("tls", "version", "1.3", "resumed", true)), "status", 200)
	t.With("component", "mailer").WithGroup("job").With("id", 17).WithGroup("to").
		WarnContext(logly.Contextualize(context.Background(), "request_id", "7f3a"), "mail bounced", "host", "mx1", "code", 550)
}

func long(t *teller) {
	words := "the message goes on and on, further than any terminal is wide, and the terminal breaks it where its columns end"
	t.Info(words + ": " + words + ": " + words)
	t.Warn("a long value, then a short one", "token", strings.Repeat("0123456789abcdef", 16), "after", true)
	var many []any
	for i := range 24 {
		many = append(many, fmt.Sprintf("column_%d", i), i*i*i)
	}
	t.Debug("many attributes", many...)
}

func lines(t *teller) {
	t.Error("handler panicked", "panic", "index out of range [3] with length 3", "stack",
		"goroutine 52 [running]:\n"+
			"main.(*cart).item(...)\n\t/src/shop/cart.go:41\n"+
			"main.(*server).checkout(0xc00012e000, {0x7d2f28, 0xc0001a40e0}, 0xc0001b2000)\n\t/src/shop/checkout.go:88 +0x1c5\n"+
			"net/http.HandlerFunc.ServeHTTP(0xc0000b4000?, {0x7d2f28?, 0xc0001a40e0?}, 0x0?)\n\t/go/src/net/http/server.go:2294 +0x29\n")
	t.Debug("statement", "sql", "SELECT o.id, sum(i.price * i.count) AS total\n  FROM orders o\n  JOIN items i ON i.order_id = o.id\n WHERE o.customer = $1\n GROUP BY o.id", "args", []int{4711})
	t.Info("two lines\nin the message", "body", "{\n  \"id\": 4712,\n  \"total\": 89.9\n}")
}

func hostile(t *teller) {
	t.Warn("\x1b[2J\x1b[1;31mscreen wiped\x1b[0m\r", "title", "\x1b]0;owned\a", "c1", "\u009b31m", "nul", "\x00", "del", "\x7f")
	t.Warn("text that runs backwards", "file", "invoice\u202efdp.exe", "isolate", "\u2066a\u2069", "separator", "a\u2028b", "zero width", "a\u200bb")
	t.Warn("a forged record", "user", "eve\n09:41:12.000 ERR all is lost", "k\n09:41:12.000 ERR forged", "v")
	t.Warn("not UTF-8", "bytes", "\xff\xfe", "cut", "caf\xc3")
	t.Info("état, 日本語, ключ, 🙂 are text", "ключ", "é", "名前", "東京", "mood", "🙂")
}
