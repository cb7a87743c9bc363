package bootstrap

import (
	"net/netip"
	"sync"
)

// webStreams counts the answers over HTTP that take long, in all and for each address.
type webStreams struct {
	max, maxPerIP int

	mu    sync.Mutex
	total int
	from  map[netip.Prefix]int
}

func newWebStreams(all, perIP int) *webStreams {
	return &webStreams{max: all, maxPerIP: perIP, from: make(map[netip.Prefix]int)}
}

// admit counts a stream against the limits.
func (s *webStreams) admit(remote string) (release func(), ok bool) {
	prefix, limited := webOrigin(remote)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.total >= s.max || limited && s.from[prefix] >= s.maxPerIP {
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
