package bootstrap

import (
	"errors"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// refusing answers claims with an error.
func refusing(code pb.DirectoryErrorCode, change ...func(*pb.DirectoryError)) func(*pb.DirectoryRequest) *pb.DirectoryResponse {
	return func(r *pb.DirectoryRequest) *pb.DirectoryResponse {
		if r.GetRemove() != nil {
			return removedResponse()
		}
		return errorResponse(code, change...)
	}
}

func TestUntil(t *testing.T) {
	short, long := script(t, granting(time.Minute, 10*time.Minute)), script(t, granting(time.Minute, time.Hour))
	unsure := script(t, granting(time.Minute, 0))
	c := clientOf(t, ClientConfig{}, short, long, unsure)
	before := time.Now()
	lease := register(t, c, "alice")
	// Less than an hour from when it was asked, by the margin for clocks that drift.
	if until := lease.Until(); !until.After(before.Add(58*time.Minute)) || until.After(time.Now().Add(time.Hour)) {
		t.Errorf("the name is its own until %s", until.Sub(before))
	}
	if err := lease.Err(); err != nil {
		t.Error(err)
	}
	status := lease.Status()
	if !status[0].Until.Before(status[1].Until) || !status[2].Until.IsZero() || status[0].Until.IsZero() || !status[2].Held {
		t.Errorf("status %+v", status)
	}
	if err := lease.Release(bounded(t)); err != nil {
		t.Fatal(err)
	}
	if until := lease.Until(); !until.IsZero() {
		t.Errorf("a name that was given up is its own until %s", until)
	}
}

func TestUnconfirmedName(t *testing.T) {
	c := clientOf(t, ClientConfig{}, script(t, granting(time.Minute, 0)))
	lease := register(t, c, "alice")
	if until := lease.Until(); !until.IsZero() {
		t.Errorf("a name that nobody confirmed is its own until %s", until)
	}
	if err := lease.Err(); !errors.Is(err, ErrNoMajority) {
		t.Errorf("a name that nobody confirmed: %v", err)
	}
	if err := register(t, c, "").Err(); err != nil {
		t.Errorf("without a name: %v", err)
	}
}

// TestTermRunsOn: an answer that confirms nothing takes nothing back, and a refusal
// takes all.
func TestTermRunsOn(t *testing.T) {
	owner := newHost(t).ID()
	var taken atomic.Bool
	s := script(t, func(r *pb.DirectoryRequest) *pb.DirectoryResponse {
		switch {
		case taken.Load():
			return refusing(pb.DirectoryErrorCode_DIRECTORY_ERROR_NAME_TAKEN, func(e *pb.DirectoryError) { e.Owner = []byte(owner) })(r)
		case r.GetRegister() != nil:
			return grantResponse(300*time.Millisecond, time.Hour)
		}
		return granting(300*time.Millisecond, 0)(r)
	})
	c := clientOf(t, ClientConfig{}, s)
	lease := register(t, c, "alice")
	until := lease.Until()
	eventually(t, "it renews", func() bool { return len(s.requests(isRenewal)) > 1 })
	if now := lease.Until(); now.IsZero() || now.Sub(until).Abs() > time.Minute {
		t.Errorf("after a renewal that confirms nothing, until %s", now)
	}
	taken.Store(true)
	eventually(t, "it hears of it", func() bool { return errors.Is(lease.Err(), ErrNameTaken) })
	if now := lease.Until(); !now.IsZero() {
		t.Errorf("a name of somebody else is its own until %s", now)
	}
}

func TestDecodeGranted(t *testing.T) {
	g, err := decodeGranted(&pb.DirectoryGranted{LeaseMs: math.MaxUint64, TermMs: math.MaxUint64}, t0)
	if err != nil || g.lease <= 0 || g.term.Span != maxTerm || g.term.Began != t0 {
		t.Errorf("%+v, %v", g, err)
	}
	if g, err := decodeGranted(&pb.DirectoryGranted{}, t0); err != nil || g.lease < 100*time.Millisecond || g.term.Left(t0) != 0 {
		t.Errorf("%+v, %v", g, err)
	}
	if _, err := decodeGranted(nil, t0); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
}

func TestNoMajority(t *testing.T) {
	cut := refusing(pb.DirectoryErrorCode_DIRECTORY_ERROR_NO_MAJORITY, func(e *pb.DirectoryError) { e.RetryMs = 60_000 })
	one, two := script(t, cut), script(t, cut)
	if _, err := clientOf(t, ClientConfig{}, one, two).Register(bounded(t), "alice"); !errors.Is(err, ErrNoMajority) || errors.Is(err, ErrNoServer) {
		t.Errorf("no server has a majority: %v", err)
	}
	for range 3 { // in whichever order they are asked
		c := clientOf(t, ClientConfig{}, script(t, cut), script(t, granting(time.Minute, time.Hour)))
		lease := register(t, c, "alice")
		if err := lease.Err(); err != nil {
			t.Errorf("one server has a majority: %v", err)
		}
		if status := lease.Status(); !errors.Is(status[0].Err, ErrNoMajority) || status[1].Err != nil {
			t.Errorf("status %+v", status)
		}
	}
}

// TestTakenNameIsDecidedOnce: what one server of a federation refuses is refused.
func TestTakenNameIsDecidedOnce(t *testing.T) {
	_, owner := testKey(t, 3)
	taken := refusing(pb.DirectoryErrorCode_DIRECTORY_ERROR_NAME_TAKEN, func(e *pb.DirectoryError) {
		e.Owner, e.LeftMs, e.Like = []byte(owner), 60_000, "a1ice"
	})
	one, two := script(t, taken), script(t, taken)
	_, err := clientOf(t, ClientConfig{}, one, two).Register(bounded(t), "alice")
	var why *NameTakenError
	if !errors.As(err, &why) || why.Owner != owner || why.Like != "a1ice" || why.Name != "alice" || !why.Until.After(time.Now()) {
		t.Errorf("refused with %#v", err)
	}
	if n := len(one.requests(isRegistration)) + len(two.requests(isRegistration)); n != 1 {
		t.Errorf("%d claims for one answer", n)
	}
}

// TestStaleListingRefusesNothing: who is listed under a name that was given up does
// not keep it from others; those who grant decide.
func TestStaleListingRefusesNothing(t *testing.T) {
	old := newHost(t)
	s := startServer(t)
	h := rawTalk(t, old, s)
	if r := h.asks(t, registerRequest(sealed(t, old))); r.GetGranted() == nil {
		t.Fatal(r)
	}
	stale := h.asks(t, lookupRequest("alice"))
	if stale.GetEntry() == nil {
		t.Fatal(stale)
	}
	c := startClient(t, peer.AddrInfo{ID: s.Host.ID(), Addrs: s.Host.Addrs()})
	if _, err := c.Register(bounded(t), "alice"); !errors.Is(err, ErrNameTaken) {
		t.Fatalf("a name that is held: %v", err)
	}
	if r := h.asks(t, removeRequest(sealed(t, old, func(c *claim) { c.removed, c.seq = true, 11 }))); r.GetRemoved() == nil {
		t.Fatal(r)
	}
	register(t, c, "alice")
}
