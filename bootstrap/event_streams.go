package bootstrap

import (
	"net/netip"
	"sync"
)

// eventStreams counts the open streams of events, in all and for each address.
type eventStreams struct {
	mu    sync.Mutex
	total int
	from  map[netip.Prefix]int
}

func newEventStreams() *eventStreams { return &eventStreams{from: make(map[netip.Prefix]int)} }

// admit counts a stream against the limits.
func (s *eventStreams) admit(remote string) (release func(), ok bool) {
	prefix, limited := webOrigin(remote)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.total >= maxEventStreams || limited && s.from[prefix] >= maxEventStreamsPerIP {
		return nil, false
	}
	s.total++
	if limited {
		s.from[prefix]++
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.total--
		if !limited {
			return
		}
		if s.from[prefix]--; s.from[prefix] == 0 {
			delete(s.from, prefix)
		}
	}, true
}

// webOrigin returns what limits by address count as one: an IPv4 address or an IPv6
// /64. Loopback is not limited.
func webOrigin(remote string) (prefix netip.Prefix, limited bool) {
	from, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}, true
	}
	addr := from.Addr().Unmap()
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	prefix, _ = addr.WithZone("").Prefix(bits) // both are lengths that it has
	return prefix, !addr.IsLoopback()
}
