package bootstrap

import (
	"net/netip"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// quota is a rate for each of many keys: a token bucket that is full again is
// forgotten. It is a pure function of calls and times; it has no lock.
type quota[K comparable] struct {
	rate    float64 // tokens a second
	burst   float64
	size    int // buckets remembered at most
	buckets map[K]bucket
	swept   time.Time
}

type bucket struct {
	tokens float64
	at     time.Time
}

// newQuota makes a quota whose burst is that of so many seconds.
func newQuota[K comparable](rate, seconds float64, size int) *quota[K] {
	return &quota[K]{rate: rate, burst: rate * seconds, size: size, buckets: make(map[K]bucket)}
}

// take uses up a token. When there is none it says in how long there will be.
func (q *quota[K]) take(now time.Time, key K) (wait time.Duration, ok bool) {
	b, known := q.buckets[key]
	if !known {
		if len(q.buckets) >= q.size && !q.sweep(now) {
			return q.refill(), false
		}
		b = bucket{q.burst, now}
	}
	b.tokens = min(q.burst, b.tokens+q.rate*now.Sub(b.at).Seconds())
	b.at = now
	if b.tokens < 1 {
		q.buckets[key] = b
		return time.Duration((1 - b.tokens) / q.rate * float64(time.Second)), false
	}
	b.tokens--
	q.buckets[key] = b
	return 0, true
}

// sweep forgets the buckets that are full again and reports whether there is room.
// It looks through them once in a while only, however often it is called.
func (q *quota[K]) sweep(now time.Time) bool {
	if now.Sub(q.swept) < q.refill()/4 {
		return false
	}
	q.swept = now
	for key, b := range q.buckets {
		if b.tokens+q.rate*now.Sub(b.at).Seconds() >= q.burst {
			delete(q.buckets, key)
		}
	}
	return len(q.buckets) < q.size
}

// refill is how long an empty bucket takes to be full.
func (q *quota[K]) refill() time.Duration {
	return time.Duration(q.burst / q.rate * float64(time.Second))
}

// sharedRange is that of carriers' NATs (RFC 6598).
var sharedRange = netip.MustParsePrefix("100.64.0.0/10")

// origin returns what limits by address count as one: an IPv4 address or an IPv6
// /64. Ok is false for addresses that are exempt, because many honest peers stand
// behind one: loopback, private, link-local and shared ones, and relays.
func origin(addr ma.Multiaddr) (prefix netip.Prefix, ok bool) {
	if addr == nil || isRelayed(addr) {
		return netip.Prefix{}, false
	}
	ip, err := manet.ToIP(addr)
	if err != nil {
		return netip.Prefix{}, false
	}
	a, valid := netip.AddrFromSlice(ip)
	a = a.Unmap()
	if !valid || a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || sharedRange.Contains(a) {
		return netip.Prefix{}, false
	}
	bits := 64
	if a.Is4() {
		bits = 32
	}
	prefix, err = a.Prefix(bits)
	return prefix, err == nil
}

// subnet returns the network that an origin belongs to, most often that of one
// operator: an IPv4 /24 or an IPv6 /48.
func subnet(origin netip.Prefix) netip.Prefix {
	bits := 48
	if origin.Addr().Is4() {
		bits = 24
	}
	wide, err := origin.Addr().Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return wide
}

// rates are those of all from whom something comes: peers, addresses and subnets.
type rates struct {
	peers   *quota[peer.ID] // nil: no limit by peer
	addrs   *quota[netip.Prefix]
	subnets *quota[netip.Prefix]
}

// take uses up a token of each that applies. When one has none it says in how long
// it will.
func (r *rates) take(now time.Time, id peer.ID, from netip.Prefix) (wait time.Duration, ok bool) {
	if r.peers != nil {
		if wait, ok = r.peers.take(now, id); !ok {
			return wait, false
		}
	}
	if !from.IsValid() {
		return 0, true
	}
	if wait, ok = r.addrs.take(now, from); !ok {
		return wait, false
	}
	return r.subnets.take(now, subnet(from))
}
