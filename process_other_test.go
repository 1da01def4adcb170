//go:build !unix

package logly

// The tests that run processes, and the soak, need what unix has.
func runChild() {}
func soakFits() {}
