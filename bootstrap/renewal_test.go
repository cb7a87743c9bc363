package bootstrap

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// TestRenewalsShareAStream: however many names and renewals, a client has one stream.
func TestRenewalsShareAStream(t *testing.T) {
	s := script(t, granting(600*time.Millisecond, time.Hour))
	c := clientOf(t, ClientConfig{}, s)
	for _, name := range []string{"", "one", "two"} {
		register(t, c, name)
	}
	eventually(t, "each is renewed", func() bool {
		names := map[string]int{}
		for _, a := range s.requests(isRenewal) {
			names[a.req.GetRenew().GetName()]++
		}
		return names[""] > 1 && names["one"] > 1 && names["two"] > 1
	})
	for _, a := range s.requests(func(*pb.DirectoryRequest) bool { return true }) {
		if a.stream != 1 {
			t.Fatalf("%v came over stream %d", a.req, a.stream)
		}
	}
	if n := len(s.requests(isRegistration)); n != 3 {
		t.Errorf("%d registrations for three names", n)
	}
}

// TestRenewalsAtAThird: not before, however the jitter falls, and spread by it.
func TestRenewalsAtAThird(t *testing.T) {
	h := &hold{seq: 1, expires: time.Now().Add(time.Hour)}
	seen := map[time.Duration]bool{}
	for range 100 {
		due := h.due()
		seen[due] = true
		if due < 17*time.Minute || due > 22*time.Minute {
			t.Fatalf("a lease of an hour is renewed after %s", due)
		}
	}
	if len(seen) < 50 {
		t.Errorf("%d different waits in 100", len(seen))
	}
}

// TestRetryTimesAreObeyed: a server that asks not to be asked for a while is not,
// even when the connection breaks or the addresses change meanwhile.
func TestRetryTimesAreObeyed(t *testing.T) {
	const after = 1500 * time.Millisecond
	for _, code := range []pb.DirectoryErrorCode{
		pb.DirectoryErrorCode_DIRECTORY_ERROR_BUSY,
		pb.DirectoryErrorCode_DIRECTORY_ERROR_NO_MAJORITY,
	} {
		var refused atomic.Int32
		s := script(t, func(r *pb.DirectoryRequest) *pb.DirectoryResponse {
			if r.GetRenew() != nil && refused.Add(1) == 1 {
				return errorResponse(code, func(e *pb.DirectoryError) { e.RetryMs = uint64(after.Milliseconds()) })
			}
			return granting(300*time.Millisecond, time.Hour)(r)
		})
		c := clientOf(t, ClientConfig{}, s)
		lease := register(t, c, "alice")
		eventually(t, "it is refused", func() bool { return refused.Load() > 0 })
		eventually(t, "it has heard so", func() bool { return lease.Status()[0].Err != nil })
		lease.holds[0].poke()
		eventually(t, "it asks again", func() bool { return len(s.requests(isRenewal))+len(s.requests(isRegistration)) > 2 })
		all := s.requests(func(r *pb.DirectoryRequest) bool { return isRenewal(r) || isRegistration(r) })
		i := slices.IndexFunc(all, func(a asked) bool { return isRenewal(a.req) })
		// The answer took a moment to come: the wait begins later than that.
		if wait := all[i+1].at.Sub(all[i].at); wait < after {
			t.Errorf("%s: asked again after %s", code, wait)
		}
		eventually(t, "it is held again", func() bool { return lease.Err() == nil })
	}
}

// TestClosedConnectionIsReopened, and the leases are renewed over one new stream.
func TestClosedConnectionIsReopened(t *testing.T) {
	s := script(t, granting(time.Hour, time.Hour)) // no renewal is due
	c := clientOf(t, ClientConfig{}, s)
	register(t, c, "one")
	register(t, c, "two")
	if err := s.host.Network().ClosePeer(c.host.ID()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both are renewed", func() bool { return len(s.requests(isRenewal)) >= 2 })
	for _, a := range s.requests(isRenewal) {
		if a.stream != 2 {
			t.Errorf("%v came over stream %d", a.req, a.stream)
		}
	}
}

func TestHiddenAndTellingOfItself(t *testing.T) {
	s := script(t, granting(300*time.Millisecond, time.Hour))
	friends := make([]peer.ID, 2*maxNeighbours)
	for i := range friends {
		_, friends[i] = testKey(t, byte(i))
	}
	c := clientOf(t, ClientConfig{
		Hidden: true, Agent: "grapevine-test/1.0", Neighbours: func() []peer.ID { return friends },
	}, s)
	register(t, c, "alice")
	eventually(t, "it renews", func() bool { return len(s.requests(isRenewal)) > 0 })
	first := s.requests(isRegistration)[0].req.GetRegister()
	record, err := openClaim(first.GetRecord(), c.network, time.Now())
	if err != nil || !record.hidden {
		t.Errorf("the record is %+v, %v", record, err)
	}
	if first.GetDetached() {
		t.Error("it says that it does not stay")
	}
	for _, told := range []*pb.DirectorySelf{first.GetSelf(), s.requests(isRenewal)[0].req.GetRenew().GetSelf()} {
		about := decodeSelf(told)
		if about.agent != "grapevine-test/1.0" || about.rtt <= 0 || !slices.Equal(about.neighbours, friends[:maxNeighbours]) {
			t.Errorf("it tells %+v", about)
		}
	}
	silent := clientOf(t, ClientConfig{}, s)
	if told := silent.links[0].self(); told != nil {
		t.Errorf("who was asked for nothing tells %v", told)
	}
}

// TestDetached: no stream and no connection stays, and the lease is renewed anyway.
func TestDetached(t *testing.T) {
	s := script(t, granting(15*time.Second, time.Hour))
	c := clientOf(t, ClientConfig{Detached: true}, s)
	lease := register(t, c, "alice")
	if !s.requests(isRegistration)[0].req.GetRegister().GetDetached() {
		t.Error("it does not say that it will not stay")
	}
	connected := func() bool { return c.host.Network().Connectedness(s.host.ID()) == network.Connected }
	eventually(t, "it lets go", func() bool { return !connected() })
	if err := lease.Err(); err != nil {
		t.Errorf("without a connection the lease is %v", err)
	}
	if n := len(s.requests(isRenewal)); n != 0 {
		t.Errorf("%d renewals because the connection went", n)
	}
	eventually(t, "it renews", func() bool { return len(s.requests(isRenewal)) > 0 })
	eventually(t, "it lets go again", func() bool { return !connected() })

	// A connection that somebody else uses is left alone.
	s.host.SetStreamHandler("/test/1", func(network.Stream) {})
	if err := c.host.Connect(bounded(t), peer.AddrInfo{ID: s.host.ID(), Addrs: s.host.Addrs()}); err != nil {
		t.Fatal(err)
	}
	stream, err := c.host.NewStream(bounded(t), s.host.ID(), "/test/1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	c.links[0].letGo()
	if !connected() {
		t.Error("a connection in use is closed")
	}
	_ = stream.Reset()
	c.host.ConnManager().Protect(s.host.ID(), "somebody's")
	c.links[0].letGo()
	if !connected() {
		t.Error("a protected connection is closed")
	}
}
