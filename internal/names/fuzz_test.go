package names

import (
	"bytes"
	"testing"
	"time"
)

// FuzzDecode: what decodes is within the limits, encodes again, and can be applied.
func FuzzDecode(f *testing.F) {
	alice := ownerID(f, 1)
	for _, c := range []Command{
		claimFor(alice, "alice", 1),
		Removal{"alice", alice, 2},
		Tick{},
		Renew{time.Hour, 0, []Renewal{{"alice", alice}}},
	} {
		data, err := Entry{Stamp: time.Minute, RaftTerm: 2, Command: c}.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := Decode(data)
		if err != nil {
			return
		}
		if _, err := e.Encode(); err != nil {
			t.Fatal(err)
		}
		s := New()
		if outcome, _ := s.Apply(e.Stamp, e.Command); outcome.Kind == Malformed {
			t.Fatalf("%+v decodes and is malformed", e)
		}
		if err := s.check(); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzRestore: what is restored is sound, and is written as it was read.
func FuzzRestore(f *testing.F) {
	alice, bob := ownerID(f, 1), ownerID(f, 2)
	s := New()
	for i := range 3 {
		s.Apply(time.Duration(i)*time.Minute, claimFor(alice, string(rune('a'+i)), 1))
		s.Apply(time.Duration(i)*time.Minute, Removal{"x", bob, uint64(i + 1)})
		var b bytes.Buffer
		if err := s.Snapshot().Write(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Restore(bytes.NewReader(data))
		if err != nil {
			return
		}
		if err := s.check(); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := s.Snapshot().Write(&b); err != nil {
			t.Fatal(err)
		}
		again, err := Restore(&b)
		if err != nil || again.Len() != s.Len() {
			t.Fatalf("what was restored cannot be written: %v", err)
		}
	})
}
