package federation

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// town is a network in which a server is reached only by who knows where it lives.
type town struct {
	*memNet
	mu    sync.Mutex
	homes map[peer.ID]ma.Multiaddr
	known map[peer.ID]map[peer.ID][]ma.Multiaddr // by whom, of whom
}

// resident is one server's side of a town. As a libp2p host it remembers each address
// that it ever dialled, and where those live who dialled it.
type resident struct {
	*memHost
	town *town
}

func (r resident) Dial(ctx context.Context, to peer.AddrInfo, protocol string) (net.Conn, error) {
	t := r.town
	t.mu.Lock()
	mine, theirs := t.known[r.who], t.known[to.ID]
	mine[to.ID] = append(mine[to.ID], to.Addrs...)
	reached := slices.ContainsFunc(mine[to.ID], t.homes[to.ID].Equal)
	if reached {
		theirs[r.who] = append(theirs[r.who], t.homes[r.who])
	}
	t.mu.Unlock()
	if !reached {
		return nil, errors.New("nobody is there")
	}
	return r.memHost.Dial(ctx, to, protocol)
}

// settle starts a server at an address, where nobody knows it to be yet, and who knows
// nobody but fellows and those in its store.
func (n *town) settle(t *testing.T, s *server, at int, fellows ...*server) {
	t.Helper()
	n.mu.Lock()
	n.homes[s.id] = ma.StringCast(fmt.Sprintf("/ip4/192.0.2.1/tcp/%d", at))
	n.known[s.id] = make(map[peer.ID][]ma.Multiaddr)
	config := s.config(n.memNet)
	home := n.homes[s.id]
	for _, fellow := range fellows {
		config.Fellows = append(config.Fellows, peer.AddrInfo{ID: fellow.id, Addrs: []ma.Multiaddr{n.homes[fellow.id]}})
	}
	n.mu.Unlock()
	config.Addrs = func() []ma.Multiaddr { return []ma.Multiaddr{home} }
	config.Network = resident{n.at(s.id), n}
	s.startWith(t, config)
}

// Servers that moved while others were down find each other again: where the stores know
// nobody any more by the addresses that they are given anew, else by what others tell.
func TestServersMove(t *testing.T) {
	for name, again := range map[string]func(*testing.T, *town, []*server){
		"all, with an address of one": func(t *testing.T, n *town, all []*server) {
			n.settle(t, all[0], 4)
			n.settle(t, all[1], 5, all[0])
			n.settle(t, all[2], 6, all[0])
		},
		"two, of whom one has to lead": func(t *testing.T, n *town, all []*server) {
			n.settle(t, all[2], 3)
			n.settle(t, all[0], 4)
			n.settle(t, all[1], 5)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &town{memNet: newMemNet(1), homes: map[peer.ID]ma.Multiaddr{}, known: map[peer.ID]map[peer.ID][]ma.Multiaddr{}}
				all := []*server{newServer(t, 1), newServer(t, 2), newServer(t, 3)}
				n.settle(t, all[0], 1)
				for i, s := range all[1:] {
					n.settle(t, s, i+2, all[0])
					if err := all[0].AddServer(t.Context(), peer.AddrInfo{ID: s.id, Addrs: s.cfg.Addrs()}); err != nil {
						t.Fatal(err)
					}
				}
				elapse(5 * time.Second)
				stop := func(s *server) {
					n.kill(s.id)
					s.stop(t)
				}
				stop(all[2])
				if _, err := all[0].Claim(t.Context(), claimOf(owner(t, 1), "alice", 1)); err != nil {
					t.Fatal(err) // so that the last one cannot lead
				}
				stop(all[0])
				stop(all[1])
				again(t, n, all)
				elapse(30 * time.Second)
				for i, s := range all {
					if _, err := s.Claim(t.Context(), claimOf(owner(t, 1), "alice", uint64(i+2))); err != nil {
						t.Errorf("claim at server %d: %v", i, err)
					}
				}
			})
		})
	}
}
