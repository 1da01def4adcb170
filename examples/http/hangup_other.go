//go:build !unix

package main

import "github.com/logly-go/logly"

// rotateOnHangup does nothing where there is no SIGHUP.
func rotateOnHangup(*logly.Handler) {}
