package bootstrap

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
)

// unlimited lets a benchmark ask as fast as it can.
func unlimited(s *Server) {
	s.Limits = Limits{RequestsPerPeer: 1e9, RegistrationsPerPeer: 1e9, Registrations: 1e9}
}

// BenchmarkRenew measures renewals of 16 clients on open streams, with server and
// clients in one process.
func BenchmarkRenew(b *testing.B) {
	s := startServer(b, unlimited)
	clients := make(chan *Client, 16)
	for i := range cap(clients) {
		c := startClient(b, infos(s)...)
		register(b, c, fmt.Sprint("name-", i))
		clients <- c
	}
	b.SetParallelism(8)
	b.RunParallel(func(p *testing.PB) {
		c := <-clients
		defer func() { clients <- c }()
		var name string
		for key := range c.leases {
			name = string(key)
		}
		for p.Next() {
			if _, err := c.links[0].renew(b.Context(), name); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkClaim measures claims of 16 clients, each durable on disk before it is
// acknowledged.
func BenchmarkClaim(b *testing.B) {
	store, err := OpenStore(b.TempDir(), testLogger(b))
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	s := startServer(b, unlimited, func(s *Server) { s.Store = store })
	defer s.Close()
	clients := make(chan *Client, 16)
	for range cap(clients) {
		clients <- startClient(b, infos(s)...)
	}
	var n atomic.Int64
	b.SetParallelism(8)
	b.RunParallel(func(p *testing.PB) {
		c := <-clients
		defer func() { clients <- c }()
		for p.Next() {
			name := fmt.Sprint("name-", n.Add(1))
			claim, err := c.sign(name, nameKey(name), false, 0)
			if err != nil {
				b.Error(err)
				return
			}
			if _, _, err := c.links[0].register(b.Context(), claim); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkSample measures how long one sample holds the server's lock.
func BenchmarkSample(b *testing.B) {
	for _, online := range []int{500, 100_000} {
		table := testTable()
		for i := range online {
			id := peer.ID(fmt.Sprint("peer", i))
			if _, _, _, err := table.grant(t0, claimOf(id, "", 1), manner{}); err != nil {
				b.Fatal(err)
			}
		}
		story, rng := newStory(table), rand.New(rand.NewPCG(1, 2))
		b.Run(fmt.Sprint(online), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if n := len(story.sample(t0, rng, maxSample, "me")); n != maxSample {
					b.Fatalf("%d peers", n)
				}
			}
		})
	}
}
