package p2p

import (
	"fmt"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
)

// startRole makes the node a leaf while others cannot reach it, and for good if it
// was told to be one.
func (n *Node) startRole(leaf bool) error {
	if leaf {
		return nil // the core knows, and nothing changes that
	}
	changes, err := n.host.EventBus().Subscribe(new(event.EvtLocalReachabilityChanged), eventbus.Name("grapevine"))
	if err != nil {
		return fmt.Errorf("subscribe to reachability: %w", err)
	}
	n.wg.Go(func() { n.followReachability(changes) })
	return nil
}

func (n *Node) followReachability(changes event.Subscription) {
	defer func() { _ = changes.Close() }()
	for {
		select {
		case <-n.ctx.Done():
			return
		case e, open := <-changes.Out():
			if !open {
				return
			}
			changed, ok := e.(event.EvtLocalReachabilityChanged)
			if !ok || changed.Reachability == network.ReachabilityUnknown {
				continue
			}
			leaf := changed.Reachability == network.ReachabilityPrivate
			n.log.Info("reachability", "leaf", leaf)
			n.driver.handle(overlay.Event{Kind: overlay.Role, Leaf: leaf})
		}
	}
}
