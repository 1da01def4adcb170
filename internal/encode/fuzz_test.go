package encode

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func FuzzJSON(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		g := &gen{data: data}
		c := g.testCase(JSON)
		check(t, c)
		c.opts.ReplaceAttr = nil
		line, _ := c.logly()
		requireLine(t, line, JSON)
		require.True(t, utf8.Valid(line))
		var m map[string]any
		dec := json.NewDecoder(bytes.NewReader(line))
		dec.UseNumber() // a MarshalJSON may write numbers that no float64 holds
		require.NoError(t, dec.Decode(&m))
		msg, err := json.Marshal(c.rec.Message)
		require.NoError(t, err)
		var want string
		require.NoError(t, json.Unmarshal(msg, &want))
		require.Equal(t, want, firstMessage(t, line))
	})
}

func FuzzText(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		g := &gen{data: data}
		check(t, g.testCase(Text))
	})
}

func FuzzConsole(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		g := &gen{data: data}
		c := g.testCase(Console)
		checkConsole(t, c)
	})
}

// firstMessage returns the built-in message: the first "msg" of the object,
// since attributes may have the same name.
func firstMessage(t *testing.T, line []byte) string {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.UseNumber()
	_, err := dec.Token() // the brace
	require.NoError(t, err)
	for {
		key, err := dec.Token()
		require.NoError(t, err)
		if key == "msg" {
			msg, err := dec.Token()
			require.NoError(t, err)
			return msg.(string)
		}
		var skipped json.RawMessage
		require.NoError(t, dec.Decode(&skipped))
	}
}

func addSeeds(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		b := make([]byte, 200)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		f.Add(b)
	}
}
