//go:build linux || darwin || freebsd

package ring

import (
	"fmt"
	"io"
	"os"
	"testing"
)

const childEnv = "LOGLY_RING_TEST_HOLD"

// TestMain is also the program of the child that holds a ring until its stdin
// ends or it is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		r, err := OpenMapped(path, 1, whole)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		r.Put(numbered(0))
		fmt.Println("held")
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	os.Exit(m.Run())
}
