package bootstrap

import (
	"net/netip"
	"sync"
)

// places counts answers that take long, in all and for each address.
type places struct {
	max, maxPerIP int

	mu    sync.Mutex
	total int
	from  map[netip.Prefix]int
}

func newPlaces(all, perIP int) *places {
	return &places{max: all, maxPerIP: perIP, from: make(map[netip.Prefix]int)}
}

// admit counts an answer, to an address that may be exempt, against the limits.
func (p *places) admit(from netip.Prefix, limited bool) (release func(), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.total >= p.max || limited && p.from[from] >= p.maxPerIP {
		return nil, false
	}
	p.total++
	if limited {
		p.from[from]++
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.total--
		if !limited {
			return
		}
		if p.from[from]--; p.from[from] == 0 {
			delete(p.from, from)
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
