//go:build !race

package logly

const raceEnabled = false
