package chat

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/grapevine-p2p/grapevine/internal/dialcause"
)

// errRefused: the machine says that nothing listens at a port.
var errRefused = errors.New("nothing listens")

// findAddress finds who answers at a host and port.
func (s *Service) findAddress(ctx context.Context, host string, port int) (peer.AddrInfo, error) {
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return peer.AddrInfo{}, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	var failures []error
	for _, ip := range ips[:min(len(ips), maxHostAddrs)] {
		tcp, err := manet.FromNetAddr(&net.TCPAddr{IP: ip.Unmap().AsSlice(), Port: port, Zone: ip.Zone()})
		if err != nil {
			return peer.AddrInfo{}, fmt.Errorf("%w: %w", ErrNotFound, err)
		}
		udp, err := manet.FromNetAddr(&net.UDPAddr{IP: ip.Unmap().AsSlice(), Port: port, Zone: ip.Zone()})
		if err != nil {
			return peer.AddrInfo{}, fmt.Errorf("%w: %w", ErrNotFound, err)
		}
		info, err := s.probeBoth(ctx, tcp, udp.Encapsulate(multiaddr.StringCast("/quic-v1")))
		if err == nil || errors.Is(err, ErrSelf) {
			return info, err
		}
		failures = append(failures, err)
	}
	if ctx.Err() != nil {
		return peer.AddrInfo{}, ctx.Err()
	}
	for _, err := range failures {
		if !errors.Is(err, errRefused) {
			return peer.AddrInfo{}, err
		}
	}
	return peer.AddrInfo{}, fmt.Errorf("%w: %w at %s", ErrOffline, errRefused, net.JoinHostPort(host, fmt.Sprint(port)))
}

// probeBoth probes a port over TCP and QUIC side by side, and does not wait long for
// the one when the other was refused. Its error is that of TCP.
func (s *Service) probeBoth(ctx context.Context, tcp, quic multiaddr.Multiaddr) (peer.AddrInfo, error) {
	var probes sync.WaitGroup
	defer probes.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type outcome struct {
		info peer.AddrInfo
		err  error
	}
	overTCP, overQUIC := make(chan outcome, 1), make(chan outcome, 1)
	probe := func(addr multiaddr.Multiaddr, to chan<- outcome) {
		info, err := s.probe(ctx, addr)
		to <- outcome{info, err}
	}
	probes.Go(func() { probe(tcp, overTCP) })
	probes.Go(func() { probe(quic, overQUIC) })
	var failure error
	for range 2 {
		select {
		case o := <-overTCP:
			if o.err == nil || errors.Is(o.err, ErrSelf) {
				return o.info, o.err
			}
			failure = o.err
			if errors.Is(o.err, errRefused) {
				late := time.AfterFunc(quicGrace, cancel)
				defer late.Stop()
			}
		case o := <-overQUIC:
			if o.err == nil || errors.Is(o.err, ErrSelf) {
				return o.info, o.err
			}
		}
	}
	return peer.AddrInfo{}, failure
}

// probe finds out whose address it is. It dials under a key that nobody has, and
// the answer's proof of another key tells. That is trust on first use.
func (s *Service) probe(ctx context.Context, addr multiaddr.Multiaddr) (peer.AddrInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timing.handshake)
	defer cancel()
	_, key, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return peer.AddrInfo{}, err
	}
	nobody, err := peer.IDFromPublicKey(key)
	if err != nil {
		return peer.AddrInfo{}, err
	}
	h := s.node.Host()
	h.Peerstore().AddAddr(nobody, addr, peerstore.TempAddrTTL)
	defer func() {
		h.Peerstore().ClearAddrs(nobody)
		h.Peerstore().RemovePeer(nobody)
	}()
	_, err = h.Network().DialPeer(ctx, nobody)
	var mismatch sec.ErrPeerIDMismatch
	switch {
	case errors.Is(err, swarm.ErrDialToSelf), errors.As(err, &mismatch) && mismatch.Actual == s.node.ID():
		return peer.AddrInfo{}, ErrSelf
	case errors.As(err, &mismatch):
		return peer.AddrInfo{ID: mismatch.Actual, Addrs: []multiaddr.Multiaddr{addr}}, nil
	case err == nil:
		return peer.AddrInfo{}, fmt.Errorf("%w: %q proved a key that was made up", ErrOffline, addr)
	default:
		return peer.AddrInfo{}, fmt.Errorf("%w: %w", ErrOffline, unreached(addr, err))
	}
}

// unreached says why an address was not reached, without the peer that was made up.
func unreached(addr multiaddr.Multiaddr, err error) error {
	err = dialcause.First(err)
	switch {
	// Each system has an error of its own, and libp2p one that only sounds like it.
	case strings.Contains(err.Error(), "refused") && !errors.Is(err, swarm.ErrDialRefusedBlackHole):
		return fmt.Errorf("%w at %s", errRefused, addr)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer from %s", addr)
	default:
		return fmt.Errorf("%s: %w", addr, err)
	}
}
