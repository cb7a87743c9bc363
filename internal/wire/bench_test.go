package wire

import (
	"bufio"
	"bytes"
	"io"
	"testing"
)

// What a relayed query costs: it is read once, and written to each other neighbour.
func BenchmarkReadQuery(b *testing.B)   { benchmarkRead(b, samples()["query"]) }
func BenchmarkReadWalk(b *testing.B)    { benchmarkRead(b, samples()["walk"]) }
func BenchmarkReadSummary(b *testing.B) { benchmarkRead(b, edges()["largest summary"]) }

func benchmarkRead(b *testing.B, m Message) {
	in := encoded(b, m)
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

func BenchmarkWriteQuery(b *testing.B)   { benchmarkWrite(b, samples()["query"]) }
func BenchmarkWriteWalk(b *testing.B)    { benchmarkWrite(b, samples()["walk"]) }
func BenchmarkWriteSummary(b *testing.B) { benchmarkWrite(b, edges()["largest summary"]) }

func benchmarkWrite(b *testing.B, m Message) {
	b.SetBytes(int64(len(encoded(b, m))))
	b.ReportAllocs()
	for b.Loop() {
		if err := Write(io.Discard, m); err != nil {
			b.Fatal(err)
		}
	}
}
