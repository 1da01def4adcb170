package docs

import (
	"bytes"
	"log/slog"
	"os"
	"os/exec"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logly-go/logly"
)

// What the manual says about handlers in tests.

const insideEnv = "LOGLY_DOCS_TEST_INSIDE"

// A handler on t.Output logs among the lines of its test, also in a cleanup.
func TestAHandlerOnTheOutputOfATest(t *testing.T) {
	if os.Getenv(insideEnv) != "" {
		h := logly.NewHandler(logly.Sink{Writer: t.Output(), Format: logly.Text, Enqueue: true})
		t.Cleanup(func() { assert.NoError(t, h.Close()) })
		slog.New(h).Info("from the inside")
		return
	}
	self, err := os.Executable()
	require.NoError(t, err)
	run := func(args ...string) string {
		cmd := exec.Command(self, append(args, "-test.run=^"+t.Name()+"$")...)
		cmd.Dir = "internal/docs"
		cmd.Env = append(os.Environ(), insideEnv+"=1")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return string(out)
	}
	assert.NotContains(t, run(), "from the inside")
	assert.Regexp(t, `(?m)^    time=\S+ level=INFO msg="from the inside"$`, run("-test.v"))
}

// A handler with a queue works in a bubble of synctest, if it is closed there.
func TestAHandlerInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := func() string { return `"time":"` + time.Now().Format(time.RFC3339Nano) + `"` }
		var out bytes.Buffer
		h := logly.NewHandler(logly.Sink{Writer: &out, Enqueue: true})
		defer h.Close()
		slog.New(h).Info("inside")
		require.NoError(t, h.Complete())
		assert.Contains(t, out.String(), now())
		time.Sleep(time.Hour)
		slog.New(h).Info("later")
		require.NoError(t, h.Complete())
		assert.Contains(t, out.String(), now())
	})
}
