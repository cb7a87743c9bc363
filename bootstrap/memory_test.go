package bootstrap

import (
	"crypto/rand"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"
	"unique"
	"weak"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// BenchmarkRegistrationMemory reports what a registration takes in the table, with a
// name, four addresses, an agent and from an address of its own, beside what the
// budget reckons.
func BenchmarkRegistrationMemory(b *testing.B) {
	addrs := []ma.Multiaddr{
		ma.StringCast("/ip4/192.0.2.1/tcp/4001"), ma.StringCast("/ip4/192.0.2.1/udp/4001/quic-v1"),
		ma.StringCast("/ip6/2001:db8::1/tcp/4001"), ma.StringCast("/ip6/2001:db8::1/udp/4001/quic-v1"),
	}
	for b.Loop() {
		const n = 20_000
		table := newTable(time.Minute, Limits{}.withDefaults())
		before := heapBytes()
		for i := range n {
			key, _, err := crypto.GenerateEd25519Key(rand.Reader)
			if err != nil {
				b.Fatal(err)
			}
			c := &claim{
				particulars: &particulars{addrs}, expires: secondOf(time.Now()),
				network: unique.Make("grapevine"), name: fmt.Sprint("name-", i), seq: 1,
			}
			if c.peer, err = peer.IDFromPrivateKey(key); err != nil {
				b.Fatal(err)
			}
			data, err := c.seal(key)
			if err != nil {
				b.Fatal(err)
			}
			if c, err = openClaim(data, "grapevine", time.Now()); err != nil {
				b.Fatal(err)
			}
			from := netip.PrefixFrom(netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)}), 32)
			if _, _, _, err := table.grant(t0, c.slimmed(), manner{from: from, self: self{agent: fmt.Sprint("agent/", i)}}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(heapBytes()-before)/n, "B/registration")
		b.ReportMetric(float64(table.size)/n, "B/reckoned")
	}
}

func heapBytes() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// What a peer told of itself when it registered is not kept once it tells otherwise.
func TestWhatWasToldBeforeIsForgotten(t *testing.T) {
	table := testTable()
	c := claimOf("a", "alice", 1)
	before := make([]peer.ID, maxNeighbours)
	forgotten := weak.Make(&before[0])
	m := manner{from: netip.MustParsePrefix("192.0.2.1/32"), self: self{neighbours: before}}
	if _, _, _, err := table.grant(t0, c, m); err != nil {
		t.Fatal(err)
	}
	before, m = nil, manner{}
	runtime.GC()
	if forgotten.Value() == nil {
		t.Fatal("it is not kept at all")
	}
	if _, err := table.renew(t0, leaseID{"a", "alice"}, &self{agent: "other"}); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	if forgotten.Value() != nil {
		t.Error("it is kept")
	}
	if err := table.check(); err != nil {
		t.Fatal(err)
	}
}
