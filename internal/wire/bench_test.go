package wire

import (
	"bufio"
	"bytes"
	"io"
	"testing"
)

// What a relayed query costs: it is read once, and written to each other neighbour.
func BenchmarkReadQuery(b *testing.B) {
	in := encoded(b, samples()["query"])
	source := bytes.NewReader(in)
	r := bufio.NewReader(source)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		source.Reset(in)
		r.Reset(source)
		if _, err := Read(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWriteQuery(b *testing.B) {
	m := samples()["query"]
	b.SetBytes(int64(len(encoded(b, m))))
	b.ReportAllocs()
	for b.Loop() {
		if err := Write(io.Discard, m); err != nil {
			b.Fatal(err)
		}
	}
}
