// Package arch holds the tests of Grapevine's architecture: who may import whom, what
// the pure parts keep away from, and what importers of the public packages must not be
// made to carry. It also holds those of the pages in docs: what they name is there, and
// the numbers they tell are those of the code.
package arch
