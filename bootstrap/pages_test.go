package bootstrap

import (
	"bufio"
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// sink is a stream whose reader takes some time for each write.
type sink struct {
	network.Stream
	slow time.Duration
	got  bytes.Buffer
}

func (s *sink) SetWriteDeadline(time.Time) error { return nil }

func (s *sink) Write(b []byte) (int, error) {
	if s.slow > 0 {
		<-time.After(s.slow)
	}
	return s.got.Write(b)
}

// listed sends entries in pages and returns the pages.
func listed(t *testing.T, to *sink, entries []entry, encode encoder) []*pb.DirectoryPage {
	t.Helper()
	s := &Server{epoch: 1<<64 - 1}
	out := &replies{stream: to, w: bufio.NewWriter(to), id: 1<<64 - 1}
	if err := s.sendPages(out, entries, 1<<64-1, encode); err != nil {
		t.Fatal(err)
	}
	if err := out.flush(); err != nil {
		t.Fatal(err)
	}
	var pages []*pb.DirectoryPage
	for to.got.Len() > 0 {
		var resp pb.DirectoryResponse
		if err := wire.ReadFrame(&to.got, maxResponse, &resp); err != nil {
			t.Fatal(err)
		}
		pages = append(pages, resp.GetPage())
	}
	return pages
}

// fattest is the biggest entry that anybody can register.
func fattest(n int) entry {
	told := &self{agent: strings.Repeat("a", maxAgent), rtt: maxRTT, strangers: maxNeighbours}
	for i := range maxNeighbours {
		told.neighbours = append(told.neighbours, peer.ID(fmt.Sprintf("%0*d", wire.MaxPeerID, i)))
	}
	record := fmt.Sprintf("%0*d", maxRecord, n)
	return entry{claim: &claim{sealed: record}, self: told, since: 0, expires: moment(1 << 62), online: true, unconfirmed: true, detached: true}
}

// However big the entries are, and in whatever order, each gets there.
func TestPagesHoldAllEntries(t *testing.T) {
	fat := make([]entry, 50)
	for i := range fat {
		fat[i] = fattest(i)
	}
	thin := make([]entry, 4000) // they fill a page to the last of its bytes
	for i := range thin {
		thin[i] = entry{claim: &claim{sealed: fmt.Sprintf("%08d", i)}}
	}
	for name, entries := range map[string][]entry{
		"none": nil, "one": fat[:1], "fat": fat, "thin": thin,
		"thin, then fat": slices.Concat(thin[:700], fat), "in turn": slices.Concat(fat[:7], thin[:100], fat[7:9], thin[100:103]),
	} {
		pages := listed(t, &sink{}, entries, encodeOwn)
		next := 0
		for i, page := range pages {
			if page.GetLast() != (i == len(pages)-1) {
				t.Errorf("%s: the end is told in page %d of %d", name, i+1, len(pages))
			}
			for _, e := range page.GetEntries() {
				if next >= len(entries) || string(e.GetRecord()) != entries[next].claim.sealed {
					t.Fatalf("%s: entry %d is another", name, next)
				}
				next++
			}
		}
		if next != len(entries) {
			t.Errorf("%s: %d of %d entries came", name, next, len(entries))
		}
	}
}

// Who reads slowly is told of each page's leases what is left of them then.
func TestPagesCountFromWhenTheyAreSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		const slow = 5 * time.Second
		entries := make([]entry, 5)
		for i := range entries {
			entries[i] = fattest(i)
			entries[i].since, entries[i].expires = momentOf(now), momentOf(now.Add(time.Minute))
		}
		pages := listed(t, &sink{slow: slow}, entries, encodeOwn)
		if len(pages) < 3 {
			t.Fatalf("%d pages", len(pages))
		}
		for i, page := range pages {
			want := time.Duration(i) * slow
			if e := page.GetEntries()[0]; span(e.GetAgeMs()) != want || span(e.GetLeftMs()) != time.Minute-want {
				t.Errorf("page %d: %s old with %s left after %s", i, span(e.GetAgeMs()), span(e.GetLeftMs()), want)
			}
		}
	})
}
