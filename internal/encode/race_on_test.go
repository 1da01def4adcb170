//go:build race

package encode

const (
	raceEnabled       = true
	differentialCases = 20_000
)
