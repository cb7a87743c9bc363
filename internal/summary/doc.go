// Package summary is the Bloom filter in which a peer tells others what it shares, so
// that they know which queries are worth asking it. A filter never says no to what is
// shared, unless it says of itself that it is partial, and seldom says yes to what is
// not. It holds the exact keys, the words, and the pairs of words of each item's name.
//
// # Terms
//
// A term is the first 16 bytes of the SHA-256 of a byte that tells its kind and a text,
// read as two big-endian numbers of 64 bits, a and b:
//
//	key    "k" key
//	word   "w" word
//	pair   "p" length of v, v, w     two words of one name; v is the lesser, bytewise
//	long   "l" word                  a word of a name of more than 12 words
//
// The length is a varint as in Protocol Buffers. Words are as internal/words splits
// them.
//
// An entry of an index gives the term of its key, if it has one, and that of each of
// its words. A name of up to 12 words gives each pair of two words too. One of more
// words gives no pairs but the long term of each of its words. Words count once.
//
// # Bits
//
// Each term sets 10 bits. With m the number of bits of the filter, they are the bits
//
//	(mix(a + i*(b | 1)) * m) >> 64        for i = 0 ... 9
//
// where sums are modulo 2^64, products with m are not, and mix is the finish of
// SplitMix64:
//
//	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9        modulo 2^64
//	z = (z ^ z >> 27) * 0x94d049bb133111eb        modulo 2^64
//	z = z ^ z >> 31
//
// Bit n is in byte n/8, where it counts 1 << n%8.
//
// A filter has 20 bits for each distinct term, rounded up to a multiple of 512 bytes,
// and 64 KiB at the most. If that would be more than half full, pairs and long terms
// are left out. If the keys and words alone would fill 64 KiB to more than 55 %, some of
// them are left out too. Flags tell both. An index without anything has no filter.
//
// # Encoding
//
//	 0      1
//	+-------+----------------------------+
//	| flags | bits: 512 ... 65,536 bytes |
//	+-------+----------------------------+
//
//	flag 1   no pairs: neither pairs nor long terms are told
//	flag 2   partial: not all keys and words are told
//
// Refused are other flags, sizes that are no multiple of 512 bytes, and filters fuller
// than an honest peer's: more than 45 % full, or 55 % if of 64 KiB.
//
// # Matching
//
// A query matches a filter that has the term of its key, if it asks for one, and that
// of each of its words. If the filter tells pairs, it must also have of each two of the
// query's first 8 words the pair, or the long terms of both. A query for nothing
// matches nothing.
//
// # Deltas
//
// A filter that is replaced by one of the same size may be sent as the bits that differ:
//
//	+-------+-----------------+---------------------------+
//	| flags | count, a varint | gaps, in Golomb-Rice code |
//	+-------+-----------------+---------------------------+
//
// Flags are those of the new filter. Count is how many bits differ, in the shortest
// form. A gap is how many equal bits are before one that differs, counted from the one
// before it. It is written as n >> r ones, a zero, and the r low bits of n, the lowest
// first; r is the logarithm to the base 2 of m/count, both rounded down. Codes follow
// each other from the lowest bit of a byte to its highest, and zeros fill the last byte.
//
// A delta is never longer than the bits: the whole filter is sent then. Each change
// has one delta only.
package summary
