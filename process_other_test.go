//go:build !unix

package logly

// runChild does nothing: the tests that run processes need signals.
func runChild() {}
