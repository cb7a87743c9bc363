//go:build race

package sim

// Sizes of the networks in the tests, under the race detector.
const (
	many = 150
	huge = 600
)
