// Package docs has the tests of what is written about logly: the code in it
// compiles, the commands in it work, its links lead somewhere, and every symbol
// has its example.
package docs

import (
	"fmt"
	"os"
	"testing"
)

// TestMain makes all paths those of the checkout.
func TestMain(m *testing.M) {
	if err := os.Chdir("../.."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
