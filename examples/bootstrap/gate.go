package main

import (
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
)

// gate keeps everybody out until it is opened, so that a host can listen, and know
// its addresses, before there is a server on it.
type gate struct{ isOpen atomic.Bool }

var _ connmgr.ConnectionGater = (*gate)(nil)

func (g *gate) open() { g.isOpen.Store(true) }

// InterceptAccept refuses who comes too early; they try again.
func (g *gate) InterceptAccept(network.ConnMultiaddrs) bool { return g.isOpen.Load() }

// InterceptPeerDial lets the server itself dial.
func (g *gate) InterceptPeerDial(peer.ID) bool { return true }

// InterceptAddrDial lets the server itself dial.
func (g *gate) InterceptAddrDial(peer.ID, multiaddr.Multiaddr) bool { return true }

// InterceptSecured lets in who was accepted.
func (g *gate) InterceptSecured(network.Direction, peer.ID, network.ConnMultiaddrs) bool { return true }

// InterceptUpgraded lets in who was accepted.
func (g *gate) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }
