package summary

// Both ends of a link must agree on these: they are part of the protocol.
const (
	// Hashes is how many bits a term sets. It is even.
	Hashes = 10

	// BitsPerEntry is what a term costs: with 10 hashes a filter is 39 % full then and
	// one test in some 11,000 is wrong.
	BitsPerEntry = 20

	// Step is what sizes are multiples of, in bytes. Powers of two would cost up to
	// twice what is needed.
	Step = 512

	// MaxSize is the most bytes of bits: 26,000 terms at BitsPerEntry.
	MaxSize = 64 << 10

	// MaxFill is how full a filter of MaxSize may be: one that has every bit set would
	// draw every query.
	MaxFill = 0.55

	// MaxFillSmall is how full a smaller filter may be: its maker could have taken a
	// bigger one. An honest one comes to 40 %.
	MaxFillSmall = 0.45

	// PairWords is up to how many words of a name are listed as pairs: 66 terms.
	PairWords = 12

	// QueryWords is of how many words of a query the pairs are tested: what a query
	// may have.
	QueryWords = 8
)

const (
	// mostWithPairs is with how many terms a filter of MaxSize is half full. With more
	// the pairs are left out: they would cost more false matches than they avoid.
	mostWithPairs = MaxSize * 8 * 69 / 100 / Hashes

	// mostTerms is how many keys and words a builder keeps. They would fill a filter of
	// MaxSize to 63 %, so that those after them never have a place in it.
	mostTerms = MaxSize * 8 / Hashes
)
