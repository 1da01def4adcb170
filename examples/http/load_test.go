package main

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// exchange is a request and how it was answered.
type exchange struct {
	kind  kind
	order string // the id of the order, for that kind
	id    string // the id of the request, as the answer had it
	bytes int64  // of the answer's body
}

// kind is a sort of request, and what it must leave in the log.
type kind struct {
	path   string
	route  string
	status int
	msgs   []string
}

var (
	order   = kind{"/orders/", "GET /orders/{id}", 200, []string{"order asked for", "stock looked up", "order found", "request"}}
	slow    = kind{"/slow", "GET /slow", 200, []string{"slow work begun", "slow work done", "request"}}
	tooSlow = kind{"/slow", "GET /slow", 400, []string{"request"}}
	panics  = kind{"/panic", "GET /panic", 500, []string{"about to panic", "panic", "request"}}
	unknown = kind{"/nowhere", "", 404, []string{"request"}}
)

// mayBegin tells whether a request that was not answered may have left msgs.
func mayBegin(msgs []string) bool {
	return slices.ContainsFunc([]kind{order, slow, tooSlow, panics, unknown}, func(k kind) bool {
		return len(msgs) <= len(k.msgs) && slices.Equal(msgs, k.msgs[:len(msgs)])
	})
}

// client sends requests, one after the other, over a connection of its own.
type client struct {
	name string
	url  string
	http http.Client
}

func newClient(name, url string) *client {
	return &client{name: name, url: url, http: http.Client{Transport: &http.Transport{}}}
}

// number sends the client's request of that number: mostly an order, at times
// another kind, with an id, without one, or with one that the server must refuse.
func (c *client) number(i int) (exchange, error) {
	name := fmt.Sprintf("%s-%d", c.name, i)
	e := exchange{kind: order, order: name}
	query := name
	switch i % 40 {
	case 10:
		e, query = exchange{kind: slow}, "?for=3ms"
	case 20:
		e, query = exchange{kind: panics}, ""
	case 30:
		e, query = exchange{kind: unknown}, ""
	case 35:
		e, query = exchange{kind: tooSlow}, "?for=2m"
	}
	sent := []string{"r-" + name, "", name + strings.Repeat("x", 64)}[i%3]
	return c.send(e, query, sent)
}

func (c *client) send(e exchange, query, id string) (exchange, error) {
	r, err := http.NewRequest("GET", c.url+e.kind.path+query, nil)
	if err != nil {
		return e, err
	}
	r.Header.Set(requestIDHeader, id)
	answer, err := c.http.Do(r)
	if err != nil {
		return e, err
	}
	defer answer.Body.Close()
	if e.bytes, err = io.Copy(io.Discard, answer.Body); err != nil {
		return e, err
	}
	e.id = answer.Header.Get(requestIDHeader)
	if answer.StatusCode != e.kind.status {
		return e, fmt.Errorf("%s%s: status %d", e.kind.path, query, answer.StatusCode)
	}
	if saneID.MatchString(id) && e.id != id {
		return e, fmt.Errorf("request %q got the id %q", id, e.id)
	}
	return e, nil
}

const clients = 16

// load is requests from many clients at once.
type load struct {
	url      string
	atLeast  int         // requests of each client
	enough   atomic.Bool // more than that need not be
	answered atomic.Int64
	mu       sync.Mutex
	done     []exchange
	errs     []error // at most one of each client, which has ended it
}

func (l *load) run() {
	var wg sync.WaitGroup
	for n := range clients {
		wg.Go(func() {
			c := newClient(fmt.Sprintf("c%d", n), l.url)
			defer c.http.CloseIdleConnections()
			var done []exchange
			var err error
			for i := 0; err == nil && (i < l.atLeast || !l.enough.Load()); i++ {
				var e exchange
				if e, err = c.number(i); err == nil {
					done = append(done, e)
					l.answered.Add(1)
				}
			}
			l.add(done, err)
		})
	}
	wg.Wait()
}

func (l *load) add(done []exchange, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done = append(l.done, done...)
	if err != nil {
		l.errs = append(l.errs, err)
	}
}

// check compares the log with the requests that were answered: each must have
// all of its lines once and in order, with its own fields. It returns the lines
// of nobody's request, and those of requests that were not answered by their id.
func check(t *testing.T, lines []line, answered []exchange) (own []line, others map[string][]line) {
	t.Helper()
	others = map[string][]line{}
	for _, l := range lines {
		if l.RequestID == "" {
			own = append(own, l)
		} else {
			others[l.RequestID] = append(others[l.RequestID], l)
		}
	}
	for _, e := range answered {
		got := others[e.id]
		require.Equal(t, e.kind.msgs, messages(got), "%+v", e)
		for _, l := range got {
			require.Equal(t, "GET", l.Method, "%+v", e)
			require.Equal(t, &e.kind.route, l.Route, "%+v", e)
			if e.order != "" && l.Msg != "request" {
				require.Equal(t, e.order, l.OrderID, "mixed: %+v", e)
			}
		}
		access := got[len(got)-1]
		assert.Equal(t, e.kind.status, access.Status, "%+v", e)
		assert.Equal(t, e.bytes, access.Bytes, "%+v", e)
		assert.Equal(t, e.kind.path+e.order, access.Path, "%+v", e)
		assert.Equal(t, cmp.Or(map[int]string{200: "INFO", 500: "ERROR"}[e.kind.status], "WARN"), access.Level, "%+v", e)
		delete(others, e.id)
	}
	return own, others
}
