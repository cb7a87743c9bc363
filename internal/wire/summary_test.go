package wire

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/grapevine-p2p/grapevine/internal/summary"
)

func TestFilterFits(t *testing.T) {
	if MaxFilter != summary.MaxSize+1 {
		t.Errorf("a filter may have %d bytes, and a frame has room for %d", summary.MaxSize+1, MaxFilter)
	}
}

// The bytes to be signed are part of the protocol.
func TestToSign(t *testing.T) {
	s := &Summary{Origin: "peer", Seq: 0x0102030405060708, Leaf: true}
	head := []byte("grapevine-summary\x00\x03net\x04peer\x01\x02\x03\x04\x05\x06\x07\x08\x01")
	if got := s.ToSign("net", nil); !bytes.Equal(got, append(head, make([]byte, 32)...)) {
		t.Errorf("without a filter %x", got)
	}
	hash := sha256.Sum256(filter(1).Bytes())
	if got := s.ToSign("net", filter(1)); !bytes.Equal(got, append(head, hash[:]...)) {
		t.Errorf("with a filter %x", got)
	}
	s.Leaf, head[len(head)-1] = false, 0
	if got := s.ToSign("net", filter(1)); !bytes.Equal(got, append(head, hash[:]...)) {
		t.Errorf("of no leaf %x", got)
	}
}

func TestResolve(t *testing.T) {
	old, next := filter(2), filter(3)
	whole := &Summary{Seq: 1, Filter: next}
	if f, err := whole.Resolve(nil, 0); f != next || err != nil {
		t.Errorf("whole: %p, %v", f, err)
	}
	change := &Summary{Seq: 2, Base: 1, Delta: old.Delta(next)}
	if f, err := change.Resolve(nil, 0); f != nil || !errors.Is(err, ErrGap) {
		t.Errorf("of nothing: %p, %v", f, err)
	}
	if f, err := change.Resolve(old, 3); f != nil || !errors.Is(err, ErrGap) {
		t.Errorf("of another: %p, %v", f, err)
	}
	first, err := change.Resolve(old, 1)
	if err != nil || !bytes.Equal(first.Bytes(), next.Bytes()) {
		t.Errorf("change: %v", err)
	}
	if again, err := change.Resolve(old, 1); again != first || err != nil {
		t.Errorf("again: %p and %p, %v", first, again, err)
	}
	if f, err := (&Summary{Seq: 2, Base: 1, Delta: []byte{0, 9}}).Resolve(old, 1); f != nil || !errors.Is(err, summary.ErrMalformed) {
		t.Errorf("nonsense: %p, %v", f, err)
	}
}
