package overlay

import "slices"

// seen is the set of origins that a walk knows of by now, as a bit for each mark:
// some share a bit, the more the fuller it is. The zero value keeps nothing.
type seen struct {
	bits []byte
	ones int
}

func newSeen(bits []byte) seen {
	s := seen{bits: slices.Clone(bits)}
	for _, b := range s.bits {
		for ; b != 0; b &= b - 1 {
			s.ones++
		}
	}
	return s
}

// add puts a mark in, and tells whether it was not there.
func (s *seen) add(mark uint32) bool {
	if len(s.bits) == 0 {
		return true
	}
	at := int(mark % uint32(8*len(s.bits))) // not negative where an int has 32 bits
	bit := byte(1) << (at & 7)
	if s.bits[at>>3]&bit != 0 {
		return false
	}
	s.bits[at>>3] |= bit
	s.ones++
	return true
}

// corrected returns how many of a sample were new, given how many seemed to be.
func (s *seen) corrected(fresh int) int {
	free := 8*len(s.bits) - s.ones + fresh/2
	if free <= 0 {
		return fresh
	}
	return fresh * 8 * len(s.bits) / free
}

// seen returns a set of so many bytes that holds what the node itself knows of.
func (c *Core) seen(size int) []byte {
	s := seen{bits: make([]byte, size)}
	s.add(c.self.Peer.Mark())
	for i := range c.origins.all {
		if o := &c.origins.all[i]; o.peer != "" {
			s.add(o.mark)
		}
	}
	return s.bits
}
