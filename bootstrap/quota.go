package bootstrap

import (
	"maps"
	"net/netip"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// quota is a rate for each of many keys: a bucket of tokens, of which only is kept
// when it will be full again. It is a pure function of calls and times; it has no
// lock.
type quota[K comparable] struct {
	every   time.Duration // in which a token comes back
	burst   time.Duration // in which all do
	size    int           // buckets remembered at most
	buckets map[K]moment  // when each will be full
	crowded int           // so many buckets are looked through for full ones
	swept   moment
}

// newQuota makes a quota whose burst is that of so many seconds.
func newQuota[K comparable](rate, seconds float64, size int) *quota[K] {
	second := float64(time.Second)
	return &quota[K]{
		every: time.Duration(second / rate), burst: time.Duration(seconds * second),
		size: size, buckets: make(map[K]moment), crowded: min(size, fewQuotas),
	}
}

// take uses up a token. When there is none it says in how long there will be.
func (q *quota[K]) take(now time.Time, key K) (wait time.Duration, ok bool) {
	at := momentOf(now)
	full, known := q.buckets[key]
	if !known && len(q.buckets) >= q.crowded && !q.sweep(at) {
		return q.burst, false
	}
	full = max(full, at).add(q.every)
	if wait := full.since(at) - q.burst; wait > 0 {
		return wait, false
	}
	q.buckets[key] = full
	return 0, true
}

// sweep forgets the buckets that are full again and reports whether there is room.
// It looks through them each time that they are twice as many, and when there is no
// room for more once in a while only, however often it is called.
func (q *quota[K]) sweep(now moment) bool {
	if q.crowded == q.size && now.since(q.swept) < q.burst/4 {
		return len(q.buckets) < q.size
	}
	q.swept = now
	maps.DeleteFunc(q.buckets, func(_ K, full moment) bool { return full <= now })
	q.crowded = min(q.size, max(fewQuotas, 2*len(q.buckets)))
	return len(q.buckets) < q.size
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
