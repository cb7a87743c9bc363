package backup

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
)

func TestPlace(t *testing.T) {
	const mb = 1 << 20
	at := func(name, host, group string, held int64, active int) Candidate {
		return Candidate{Peer: peer.ID(name), Host: host, Group: group, Quota: 100 * mb, Held: held * mb, Active: active}
	}
	lan := func(name string, held int64, active int) Candidate { return at(name, "", "", held, active) }
	for _, c := range []struct {
		name       string
		candidates []Candidate
		taken      []Candidate
		n          int
		size       int64
		want       string // the peers, sorted; "a|b" is a choice that may fall either way
	}{
		{"none", nil, nil, 3, mb, ""},
		{"all are needed", []Candidate{lan("a", 0, 0), lan("b", 90, 9), lan("c", 50, 5)}, nil, 3, mb, "a b c"},
		{"fewer than wanted", []Candidate{lan("a", 0, 0)}, nil, 3, mb, "a"},
		{"a peer once", []Candidate{lan("a", 0, 0), lan("a", 0, 0)}, nil, 2, mb, "a"},
		{"not who has it", []Candidate{lan("a", 0, 0), lan("b", 0, 0)}, []Candidate{lan("a", 0, 0)}, 2, mb, "b"},
		{"no room", []Candidate{lan("a", 99, 0), lan("b", 0, 0)}, nil, 2, mb, "b"},
		{"not who is busy", []Candidate{at("a", "h1", "g1", 0, maxTransfers), at("b", "h2", "g2", 90, maxTransfers-1), at("c", "h2", "g2", 90, 0)}, nil, 2, mb, "b c"},
		{"the freer of two", []Candidate{lan("a", 60, 0), lan("b", 10, 0)}, nil, 1, mb, "b"},
		{"the idler of two", []Candidate{lan("a", 10, 3), lan("b", 60, 0)}, nil, 1, mb, "b"},
		{
			"another host though fuller",
			[]Candidate{at("a", "h1", "g1", 0, 0), at("b", "h1", "g1", 0, 0), at("c", "h2", "g2", 90, 9)},
			nil, 2, mb, "a c|b c",
		},
		{
			"another group though fuller",
			[]Candidate{at("a", "h1", "g1", 0, 0), at("b", "h2", "g1", 0, 0), at("c", "h3", "g2", 90, 9)},
			nil, 2, mb, "a c|b c",
		},
		{
			"away from what is taken",
			[]Candidate{at("a", "h1", "g1", 0, 0), at("b", "h2", "g2", 90, 9)},
			[]Candidate{at("z", "h1", "g1", 0, 0)},
			1, mb, "b",
		},
		{
			"one host if there is no other",
			[]Candidate{at("a", "h1", "g1", 0, 0), at("b", "h1", "g1", 0, 0)},
			nil, 2, mb, "a b",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(50) {
				var got []string
				for _, p := range place(c.candidates, c.taken, c.n, c.size, rand.New(rand.NewPCG(seed, 0))) {
					got = append(got, string(p.Peer))
				}
				slices.Sort(got)
				if !slices.Contains(strings.Split(c.want, "|"), strings.Join(got, " ")) {
					t.Fatalf("seed %d: chose %v, want %s", seed, got, c.want)
				}
			}
		})
	}
}

// Two choices keep the fullest close to the mean.
func TestPlaceBalances(t *testing.T) {
	var peers []Candidate
	for i := range 20 {
		peers = append(peers, Candidate{Peer: peer.ID(fmt.Sprint(i)), Quota: 1 << 30})
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		for _, c := range place(peers, nil, 3, 1000, rng) {
			at := slices.IndexFunc(peers, func(p Candidate) bool { return p.Peer == c.Peer })
			peers[at].Held += 1000
		}
	}
	for _, p := range peers { // the mean is 150
		if n := p.Held / 1000; n < 140 || n > 160 {
			t.Errorf("peer %s has %d blobs", p.Peer, n)
		}
	}
}
