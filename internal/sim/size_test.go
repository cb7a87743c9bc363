//go:build !race

package sim

// Sizes of the networks in the tests.
const (
	many = 1_000
	huge = 10_000
)
