package examples_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/bootstrap"
	"github.com/grapevine-p2p/grapevine/internal/fabric"
	"github.com/grapevine-p2p/grapevine/p2p"
	"github.com/grapevine-p2p/grapevine/p2p/p2ptest"
)

// components counts the connected parts of the overlay that the nodes form.
func components(nodes []*p2p.Node) int {
	index := make(map[string]int)
	for i, n := range nodes {
		index[string(n.ID())] = i
	}
	seen := make([]bool, len(nodes))
	count := 0
	for i := range nodes {
		if seen[i] {
			continue
		}
		count++
		todo := []int{i}
		seen[i] = true
		for len(todo) > 0 {
			n := nodes[todo[0]]
			todo = todo[1:]
			for _, neighbour := range n.Neighbours() {
				if j, ok := index[string(neighbour.ID)]; ok && !seen[j] {
					seen[j] = true
					todo = append(todo, j)
				}
			}
		}
	}
	return count
}

// patience bounds every wait: far more than a busy machine needs.
const patience = 60 * time.Second

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	for !holds() {
		select {
		case <-every.C:
		case <-late.C:
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// enter brings nodes into one overlay through three bootstrap servers, which are
// then closed.
func enter(t *testing.T, nodes []*p2p.Node) {
	t.Helper()
	var servers []peer.AddrInfo
	for range 3 {
		h, err := new(fabric.Fabric).NewHost(nil)
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		server := &bootstrap.Server{Host: h}
		if err := server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		servers = append(servers, peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()})
	}
	for i, n := range nodes {
		directory, err := bootstrap.NewClient(n.Host(), servers...)
		if err != nil {
			t.Fatal(err)
		}
		defer directory.Close()
		answered(t, func() (err error) {
			_, err = directory.Register(t.Context(), fmt.Sprint("node-", i))
			return err
		})
		var seeds []peer.AddrInfo
		answered(t, func() (err error) {
			seeds, err = directory.Peers(t.Context())
			return err
		})
		if _, err := n.Join(t.Context(), seeds...); err != nil {
			t.Fatal(err)
		}
	}
}

// answered asks the servers until one answers: where sixty nodes share a starved machine
// all of them may take longer than a client waits.
func answered(t *testing.T, ask func() error) {
	t.Helper()
	began := time.Now()
	err := ask()
	for errors.Is(err, bootstrap.ErrNoServer) && time.Since(began) < patience {
		err = ask()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Sixty nodes on real sockets enter through bootstrap servers, which are closed. Then
// thirty in a hundred are cut off at once and without a goodbye. The rest find each
// other again, and find what any of them has: within 20 s, as the log reports; the test
// waits longer, for a busy machine must not fail it.
func TestSurviveMassFailure(t *testing.T) {
	const total, dead = 60, 18
	net := p2ptest.New(t, 0)
	for i := range total {
		n := net.Add(p2p.WithDegree(6))
		n.Share(p2p.Items{{Key: p2p.Key(fmt.Sprint("key-", i)), Name: fmt.Sprint(i)}})
	}
	enter(t, net.Nodes)
	eventually(t, "one overlay", func() bool { return components(net.Nodes) == 1 })

	var wg sync.WaitGroup
	for i := range dead {
		net.Cut(i)
	}
	cut := time.Now()
	survivors := net.Nodes[dead:]
	alive := make(map[string]bool)
	for _, n := range survivors {
		alive[string(n.ID())] = true
	}
	dangling := func() (count int) {
		for _, n := range survivors {
			for _, neighbour := range n.Neighbours() {
				if !alive[string(neighbour.ID)] {
					count++
				}
			}
		}
		return count
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("links to the dead: %d, components: %d", dangling(), components(survivors))
		}
	})
	eventually(t, "the dead out of every view, the survivors one overlay", func() bool {
		return dangling() == 0 && components(survivors) == 1
	})
	t.Logf("%d of %d cut off; the rest one overlay again after %v", dead, total, time.Since(cut).Round(100*time.Millisecond))

	// Each asks for what another holds, no faster than links carry queries.
	pace := time.NewTicker(100 * time.Millisecond)
	defer pace.Stop()
	for i, n := range survivors {
		<-pace.C
		want := dead + (i+len(survivors)/2)%len(survivors)
		wg.Go(func() {
			for hit, err := range n.Query(t.Context(), p2p.Query{Key: p2p.Key(fmt.Sprint("key-", want)), Max: 1, Timeout: patience}) {
				if err != nil {
					t.Error(err)
				} else if hit.From.ID == net.Nodes[want].ID() {
					return
				}
			}
			t.Errorf("survivor %d did not find key-%d", i, want)
		})
	}
	wg.Wait()
	t.Logf("every survivor found another's key by %v", time.Since(cut).Round(100*time.Millisecond))
}
