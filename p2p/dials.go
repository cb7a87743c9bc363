package p2p

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"golang.org/x/time/rate"

	"github.com/grapevine-p2p/grapevine/internal/dialcause"
	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// errTooSoon: the address was dialled a moment ago.
var errTooSoon = errors.New("its addresses were dialled too recently")

// dialGuard limits the dials that the network makes us do, so that forged contacts
// cannot aim us at a third party: all of them by address, and those that only probe by
// public IP besides.
type dialGuard struct {
	mu     sync.Mutex
	byAddr *lru.Cache[string, *rate.Limiter]
	byIP   *lru.Cache[string, *rate.Limiter]
}

func newDialGuard() *dialGuard {
	return &dialGuard{
		byAddr: newCache[string, *rate.Limiter](maxProbed),
		byIP:   newCache[string, *rate.Limiter](maxProbed),
	}
}

// probe dials a contact that somebody named, only to see whether it is there.
func (g *dialGuard) probe(ctx context.Context, n *Node, target wire.Contact) error {
	info, err := n.contacts.info(target)
	if err != nil {
		return err
	}
	allowed := multiaddr.FilterAddrs(g.spaced(info.Addrs), g.fewPerIP)
	if len(allowed) == 0 {
		return errTooSoon
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if err := n.host.Connect(ctx, peer.AddrInfo{ID: info.ID, Addrs: allowed}); err != nil {
		return fmt.Errorf("dial %s: %w", info.ID, dialcause.First(err))
	}
	return nil
}

// spaced leaves the addresses that were not dialled a moment ago.
func (g *dialGuard) spaced(addrs []multiaddr.Multiaddr) []multiaddr.Multiaddr {
	g.mu.Lock()
	defer g.mu.Unlock()
	return multiaddr.FilterAddrs(addrs, func(a multiaddr.Multiaddr) bool {
		return take(g.byAddr, a.String(), rate.Every(dialInterval), 1)
	})
}

// turn waits until one of the addresses may be dialled again, or until somebody else's
// dial, a probe perhaps, has made it needless.
func (g *dialGuard) turn(ctx context.Context, addrs []multiaddr.Multiaddr, needless func() bool) ([]multiaddr.Multiaddr, error) {
	every := time.NewTicker(dialInterval / 20)
	defer every.Stop()
	for {
		if needless() {
			return nil, nil
		}
		if free := g.spaced(addrs); len(free) > 0 {
			return free, nil
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (g *dialGuard) fewPerIP(a multiaddr.Multiaddr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	ip, err := manet.ToIP(a)
	if err != nil || !manet.IsPublicAddr(a) {
		return err == nil // a private one; names are never dialled for others
	}
	return take(g.byIP, ip.String(), rate.Every(publicProbeTime/publicProbes), publicProbes)
}

func take(cache *lru.Cache[string, *rate.Limiter], key string, every rate.Limit, burst int) bool {
	limiter, ok := cache.Get(key)
	if !ok {
		limiter = rate.NewLimiter(every, burst)
		cache.Add(key, limiter)
	}
	return limiter.Allow()
}

// probe reaches a contact once, to know that it is there.
func (d *driver) probe(target wire.Contact) {
	kind := overlay.Unreachable
	if err := d.node.dials.probe(d.ctx, d.node, target); err == nil {
		kind = overlay.Probed
	} else {
		d.node.log.Debug("contact not reached", "peer", peer.ID(target.Peer), "error", err)
	}
	d.handle(overlay.Event{Kind: kind, Peer: target.Peer})
}
