package summary

import "math/bits"

// riceBits returns how many low bits a gap is written with when so many of the bits of
// so many bytes differ: the logarithm of the mean gap.
func riceBits(size, flips int) int {
	if flips == 0 {
		return 0
	}
	return bits.Len(uint(8*size/flips)) - 1
}

// riceWriter appends numbers in Golomb-Rice code to bytes, from the lowest bit of a
// byte to its highest.
type riceWriter struct {
	bytes []byte
	free  int // bits of the last byte that are not written yet
	low   int
}

func (w *riceWriter) write(n int) {
	for range n >> w.low {
		w.bit(1)
	}
	w.bit(0)
	for i := range w.low {
		w.bit(byte(n >> i & 1))
	}
}

func (w *riceWriter) bit(b byte) {
	if w.free == 0 {
		w.bytes = append(w.bytes, 0)
		w.free = 8
	}
	w.bytes[len(w.bytes)-1] |= b << (8 - w.free)
	w.free--
}

// riceReader reads what a riceWriter wrote.
type riceReader struct {
	bytes []byte
	at    int // in bits
	low   int
}

// read returns the next number, or false if there is none or it is above most.
func (r *riceReader) read(most int) (n int, ok bool) {
	for {
		b, ok := r.bit()
		if !ok || n > most {
			return 0, false
		}
		if b == 0 {
			break
		}
		n += 1 << r.low
	}
	for i := range r.low {
		b, ok := r.bit()
		if !ok {
			return 0, false
		}
		n += int(b) << i
	}
	return n, n <= most
}

func (r *riceReader) bit() (b byte, ok bool) {
	if r.at >= 8*len(r.bytes) {
		return 0, false
	}
	b = r.bytes[r.at>>3] >> (r.at & 7) & 1
	r.at++
	return b, true
}

// atEnd reports whether nothing is left but the zeros that fill the last byte.
func (r *riceReader) atEnd() bool {
	if (r.at+7)/8 != len(r.bytes) {
		return false
	}
	return r.at&7 == 0 || r.bytes[r.at>>3]>>(r.at&7) == 0
}
