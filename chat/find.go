package chat

import (
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/multiformats/go-multiaddr"

	"github.com/grapevine-p2p/grapevine/internal/display"
	"github.com/grapevine-p2p/grapevine/internal/words"
	"github.com/grapevine-p2p/grapevine/p2p"
)

// found is whom a person meant.
type found struct {
	info   peer.AddrInfo
	name   string // what its key is to be kept under; "" if that is what was given
	byName bool   // name is a person's name, not an address
}

// find turns what a person typed into a peer.
func (s *Service) find(ctx context.Context, who string) (found, error) {
	if strings.HasPrefix(who, "/") {
		addr, err := multiaddr.NewMultiaddr(who)
		if err != nil {
			return found{}, fmt.Errorf("%w: no multiaddr: %w", ErrNotFound, err)
		}
		transport, id := peer.SplitAddr(addr)
		if id != "" && transport != nil {
			return found{info: peer.AddrInfo{ID: id, Addrs: []multiaddr.Multiaddr{transport}}}, nil
		}
		if id == "" {
			info, err := s.probe(ctx, addr)
			return found{info: info, name: who}, err
		}
		who = id.String()
	}
	if id, err := peer.Decode(who); err == nil {
		info, err := s.findID(ctx, id)
		return found{info: info}, err
	}
	if host, port, err := net.SplitHostPort(who); err == nil {
		if n, err := strconv.ParseUint(port, 10, 16); err == nil && n > 0 {
			info, err := s.findAddress(ctx, host, int(n))
			return found{info: info, name: who}, err
		}
	}
	if err := checkName(who); err != nil {
		return found{}, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	info, err := s.findName(ctx, who)
	return found{info: info, name: who, byName: true}, err
}

// findName asks the directory, then the announcements of the network, then the
// network.
func (s *Service) findName(ctx context.Context, name string) (peer.AddrInfo, error) {
	if words.Fold(name) == words.Fold(s.name) {
		return peer.AddrInfo{}, ErrSelf
	}
	var unresolved error
	if s.resolver != nil {
		info, err := s.resolver.Resolve(ctx, name)
		if err == nil {
			return info, nil
		}
		if ctx.Err() != nil {
			return peer.AddrInfo{}, ctx.Err()
		}
		unresolved = err
	}
	var candidates []peer.AddrInfo
	for _, o := range s.node.Online() {
		if words.Fold(o.Name) == words.Fold(name) {
			candidates = append(candidates, o.AddrInfo)
		}
	}
	if len(candidates) == 0 {
		candidates = s.ask(ctx, nameKey(s.node.Network(), name), s.contacts.known(name))
	}
	return s.choose(ctx, name, candidates, unresolved)
}

// choose takes the one candidate, or that of several whose key is known.
func (s *Service) choose(ctx context.Context, name string, candidates []peer.AddrInfo, unresolved error) (peer.AddrInfo, error) {
	known := s.contacts.known(name)
	for _, info := range candidates {
		if info.ID == known {
			return info, nil
		}
	}
	switch {
	case ctx.Err() != nil:
		return peer.AddrInfo{}, ctx.Err()
	case len(candidates) == 1:
		return candidates[0], nil
	case len(candidates) > 1:
		e := &AmbiguousError{Name: name}
		for _, info := range candidates {
			e.Peers = append(e.Peers, info.ID)
		}
		return peer.AddrInfo{}, e
	case unresolved != nil:
		return peer.AddrInfo{}, fmt.Errorf("%w: %w", ErrNotFound, unresolved)
	default:
		return peer.AddrInfo{}, ErrNotFound
	}
}

// findID finds the addresses of a peer.
func (s *Service) findID(ctx context.Context, id peer.ID) (peer.AddrInfo, error) {
	if id == s.node.ID() {
		return peer.AddrInfo{}, ErrSelf
	}
	h := s.node.Host()
	if addrs := h.Peerstore().Addrs(id); len(addrs) > 0 || h.Network().Connectedness(id) == network.Connected {
		return peer.AddrInfo{ID: id, Addrs: addrs}, nil
	}
	for _, o := range s.node.Online() {
		if o.ID == id {
			return o.AddrInfo, nil
		}
	}
	if info, ok := s.askID(ctx, id); ok {
		return info, nil
	}
	if ctx.Err() != nil {
		return peer.AddrInfo{}, ctx.Err()
	}
	return peer.AddrInfo{}, fmt.Errorf("%w: no address is known of this peer", ErrNotFound)
}

// askID asks the network for the addresses of a peer.
func (s *Service) askID(ctx context.Context, id peer.ID) (peer.AddrInfo, bool) {
	for _, info := range s.ask(ctx, idKey(id), id) {
		if info.ID == id {
			return info, true
		}
	}
	return peer.AddrInfo{}, false
}

// reach sees to it that the addresses of a peer are known.
func (s *Service) reach(ctx context.Context, id peer.ID) error {
	info, err := s.findID(ctx, id)
	if err == nil {
		s.remember(info)
	}
	return err
}

// reachAnew looks for a peer whose known addresses did not lead to it: it may have
// moved. The directory is asked by name, "" for a peer that was opened without one.
func (s *Service) reachAnew(ctx context.Context, id peer.ID, name string) error {
	if s.resolver != nil && name != "" {
		resolving, cancel := context.WithTimeout(ctx, s.timing.handshake)
		info, err := s.resolver.Resolve(resolving, name)
		cancel()
		switch {
		case err != nil:
			s.log.Debug("peer not resolved anew", "name", name, "error", err)
		case info.ID == id:
			s.remember(info)
		}
	}
	for _, o := range s.node.Online() {
		if o.ID == id {
			s.remember(o.AddrInfo)
		}
	}
	if info, ok := s.askID(ctx, id); ok {
		s.remember(info)
	}
	return s.reach(ctx, id)
}

func (s *Service) remember(info peer.AddrInfo) {
	s.node.Host().Peerstore().AddAddrs(info.ID, info.Addrs, peerstore.AddressTTL)
}

// ask asks the network for a person, and ends soon after the first answer, at once
// when it is the wanted one.
func (s *Service) ask(ctx context.Context, key p2p.Key, wanted peer.ID) (holders []peer.AddrInfo) {
	ctx, cancel := context.WithTimeout(ctx, s.timing.query)
	defer cancel()
	for hit, err := range s.node.Query(ctx, p2p.Query{Key: key, Max: maxHolders, Timeout: s.timing.query}) {
		if err != nil {
			s.log.Debug("query for a person", "error", err)
			break
		}
		if slices.ContainsFunc(holders, func(h peer.AddrInfo) bool { return h.ID == hit.From.ID }) {
			continue
		}
		if holders = append(holders, hit.From); hit.From.ID == wanted {
			break
		}
		late := time.AfterFunc(s.timing.query/4, cancel)
		defer late.Stop() // at most maxHolders
	}
	return holders
}

// who is the index by which others find us, by exact key only: people do not turn up
// among the hits of a search for files.
type who []p2p.Item

func (w who) Match(q p2p.Query) []p2p.Item {
	for _, item := range w {
		if item.Key == q.Key {
			return []p2p.Item{item}
		}
	}
	return nil
}

func (w who) Entries() iter.Seq[p2p.Entry] {
	return func(yield func(p2p.Entry) bool) {
		for _, item := range w {
			if !yield(p2p.Entry{Key: item.Key}) {
				return
			}
		}
	}
}

func (s *Service) whoWeAre() p2p.Index {
	shown := display.Fingerprint(s.node.ID().String()) // a person's name may be too long for an item's
	index := who{{Key: idKey(s.node.ID()), Name: shown}}
	if s.name != "" {
		index = append(index, p2p.Item{Key: nameKey(s.node.Network(), s.name), Name: shown})
	}
	return index
}

// nameKey is the key of the item that a person of that name shares.
func nameKey(network, name string) p2p.Key {
	sum := sha256.Sum256([]byte("grapevine-chat-name\x00" + network + "\x00" + words.Fold(name)))
	return p2p.Key("chat-name:" + string(sum[:]))
}

// idKey is the key of the item that every chatting peer shares.
func idKey(id peer.ID) p2p.Key {
	sum := sha256.Sum256([]byte("grapevine-chat-peer\x00" + string(id)))
	return p2p.Key("chat-peer:" + string(sum[:]))
}
