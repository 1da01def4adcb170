//go:build !race

package encode

const (
	raceEnabled       = false
	differentialCases = 100_000
)
