//go:build race

package logly

const raceEnabled = true
