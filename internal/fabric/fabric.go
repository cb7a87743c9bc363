// Package fabric makes libp2p hosts on real loopback sockets whose network can be
// hurt: a host is cut off without a goodbye, as by a pulled cable, or everything
// is delayed. Tests and the tour run on it.
//
// It sits below the encryption of each connection, where both ends are known: what
// must not pass is swallowed there.
package fabric

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/net/upgrader"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
)

// Fabric is a network of hosts on 127.0.0.1, over TCP and Noise. The zero value is
// ready. It may be used concurrently.
type Fabric struct {
	mu      sync.Mutex
	cut     map[peer.ID]bool
	wires   map[*wire]struct{}
	latency time.Duration
}

// NewHost makes a host of the fabric; a nil key means a new one.
func (f *Fabric) NewHost(key crypto.PrivKey, opts ...libp2p.Option) (host.Host, error) {
	if key == nil {
		var err error
		if key, _, err = crypto.GenerateEd25519Key(nil); err != nil {
			return nil, err
		}
	}
	h, err := libp2p.New(append([]libp2p.Option{
		libp2p.Identity(key),
		libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"),
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Security(noise.ID, f.newSecurity),
		libp2p.ResourceManager(&network.NullResourceManager{}),
		libp2p.DisableRelay(),
		libp2p.DisableMetrics(),
		// On Close, v0.51's observed-address manager stops reading its event
		// subscription but leaves it open: a host that many peers identify to
		// meanwhile never closes.
		libp2p.DisableIdentifyAddressDiscovery(),
	}, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("fabric host: %w", err)
	}
	return h, nil
}

// Cut lets nothing pass to or from a host any more, without a word to anybody.
func (f *Fabric) Cut(id peer.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cut == nil {
		f.cut = make(map[peer.ID]bool)
	}
	f.cut[id] = true
	for w := range f.wires {
		if w.local == id || w.remote == id {
			w.sever()
		}
	}
}

// Heal connects a host again. Connections from before the cut break.
func (f *Fabric) Heal(id peer.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.cut, id)
	for w := range f.wires {
		if (w.local == id || w.remote == id) && !f.cut[w.local] && !f.cut[w.remote] {
			w.snap()
		}
	}
}

// SetLatency delays everything sent from now on, by half of the round trip each way.
func (f *Fabric) SetLatency(roundTrip time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.latency = roundTrip / 2
}

func (f *Fabric) delay() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.latency
}

// add notes a wire, before its remote end is known or after.
func (f *Fabric) add(w *wire) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.wires == nil {
		f.wires = make(map[*wire]struct{})
	}
	f.wires[w] = struct{}{}
	if f.cut[w.local] || f.cut[w.remote] {
		w.sever()
	}
}

func (f *Fabric) remove(w *wire) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.wires, w)
}

// security is Noise over wires of the fabric.
type security struct {
	*noise.Transport
	fabric *Fabric
	local  peer.ID
}

var _ sec.SecureTransport = (*security)(nil)

func (f *Fabric) newSecurity(id protocol.ID, key crypto.PrivKey, muxers []upgrader.StreamMuxer) (*security, error) {
	n, err := noise.New(id, key, muxers)
	if err != nil {
		return nil, err
	}
	local, err := peer.IDFromPrivateKey(key)
	return &security{n, f, local}, err
}

func (s *security) SecureOutbound(ctx context.Context, insecure net.Conn, p peer.ID) (sec.SecureConn, error) {
	w := newWire(s.fabric, insecure, s.local, p)
	s.fabric.add(w)
	c, err := s.Transport.SecureOutbound(ctx, w, p)
	if err != nil {
		_ = w.Close()
	}
	return c, err
}

func (s *security) SecureInbound(ctx context.Context, insecure net.Conn, p peer.ID) (sec.SecureConn, error) {
	w := newWire(s.fabric, insecure, s.local, p)
	s.fabric.add(w)
	c, err := s.Transport.SecureInbound(ctx, w, p)
	if err != nil {
		_ = w.Close()
		return c, err
	}
	s.fabric.remove(w)
	w.remote = c.RemotePeer()
	s.fabric.add(w)
	return c, nil
}
