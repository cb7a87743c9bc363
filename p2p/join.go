package p2p

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// ErrNotJoined is returned by Join when nobody let the node in.
var ErrNotJoined = errors.New("no peer let the node in")

// Neighbour is a peer in the active view.
type Neighbour struct {
	ID       peer.ID
	Since    time.Time
	Outbound bool // we asked for the link
	Leaf     bool // it relays nothing
}

// Join enters the overlay through seeds and through the host cache of former runs,
// and waits for the first neighbour, 15 s at most. It returns how many peers had
// been reached by then; the others are tried on. Where none of them can be reached,
// or speaks to the node, it says why at once, and they are tried on all the same.
// With no seeds and an empty host cache it does nothing and is no error: the node is
// the first of its overlay and waits for others.
func (n *Node) Join(ctx context.Context, seeds ...peer.AddrInfo) (reached int, err error) {
	if !n.enter() {
		return 0, ErrClosed
	}
	defer n.wg.Done()
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()

	up := n.events.Follow()
	defer up.Close()
	asked := n.enterThrough(seeds)
	if asked == nil {
		return 0, nil
	}
	for {
		reached, failures, tried := n.driver.outcomes(asked)
		if len(n.Neighbours()) > 0 {
			return reached, nil
		}
		if len(failures) == len(asked) {
			return 0, fmt.Errorf("%w: %w", ErrNotJoined, errors.Join(failures...))
		}
		select {
		case <-up.C:
		case <-tried:
		case <-ctx.Done():
			return reached, fmt.Errorf("%w: %w", ErrNotJoined, errors.Join(append(failures, ctx.Err())...))
		case <-n.ctx.Done():
			return 0, ErrClosed
		}
	}
}

// enterThrough starts the join; nil means that there is nobody to ask.
func (n *Node) enterThrough(seeds []peer.AddrInfo) (asked []peer.ID) {
	d := n.driver
	d.mu.Lock()
	defer d.mu.Unlock()
	var contacts []wire.Contact
	for _, s := range seeds {
		if s.ID == n.ID() || slices.Contains(asked, s.ID) {
			continue
		}
		n.host.Peerstore().AddAddrs(s.ID, s.Addrs, peerstore.AddressTTL)
		asked = append(asked, s.ID)
		contacts = append(contacts, wire.Contact{Peer: wire.PeerID(s.ID)})
		if l := d.links[s.ID]; l == nil {
			d.outcome.Remove(s.ID)
		}
	}
	if saved := n.saved; len(saved) > 0 {
		n.saved = nil
		d.handleLocked(overlay.Event{Kind: overlay.Learn, Peers: saved})
		// The oldest links come first; they were stable.
		for _, c := range saved[:min(len(saved), overlay.OldestLinks)] {
			contacts = append(contacts, c)
			asked = append(asked, peer.ID(c.Peer))
		}
	}
	if len(contacts) > 0 {
		d.handleLocked(overlay.Event{Kind: overlay.Join, Peers: contacts})
	}
	return asked
}

// outcomes counts the peers that a link was opened to, says why others failed, and
// returns a channel that is closed when there is more to tell.
func (d *driver) outcomes(ids []peer.ID) (reached int, failures []error, tried <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range ids {
		switch err, tried := d.outcome.Get(id); {
		case tried && err == nil:
			reached++
		case tried:
			failures = append(failures, err)
		}
	}
	return reached, failures, d.tried
}

// Neighbours returns the active view, oldest first.
func (n *Node) Neighbours() []Neighbour {
	n.driver.mu.Lock()
	defer n.driver.mu.Unlock()
	view := n.driver.core.Neighbours()
	out := make([]Neighbour, len(view))
	for i, v := range view {
		out[i] = Neighbour{ID: peer.ID(v.Contact.Peer), Since: v.Since, Outbound: v.Chosen, Leaf: v.Leaf}
	}
	return out
}
