package bootstrap

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// A lease is not renewed beyond its record: nobody could be told how it ends. A newer
// record goes on.
func TestLeasesEndWithTheirRecords(t *testing.T) {
	table := testTable()
	until := func(d time.Duration) second { return secondOf(t0.Add(d - clockSkew)) }
	id := leaseID{"a", "alice"}
	first, next := claimOf("a", "alice", 1), claimOf("a", "alice", 2)
	first.expires, next.expires = until(90*time.Second), until(5*time.Minute)
	ends := func(at time.Duration) {
		t.Helper()
		if e := table.find(id); e == nil || e.expires != momentOf(t0.Add(at)) {
			t.Fatalf("the lease is %+v, and should end after %s", e, at)
		}
		if err := table.check(); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, _, err := table.grant(t0, first, manner{}); err != nil {
		t.Fatal(err)
	}
	ends(time.Minute)
	if _, err := table.renew(t0.Add(50*time.Second), id, nil); err != nil {
		t.Fatal(err)
	}
	ends(90 * time.Second)
	_, _, undo, err := table.grant(t0.Add(60*time.Second), next, manner{detached: true})
	if err != nil {
		t.Fatal(err)
	}
	ends(5 * time.Minute)
	undo()
	ends(90 * time.Second)
	changes, err := table.renew(t0.Add(90*time.Second), id, nil)
	if !errors.Is(err, ErrNotRegistered) || count(changes, Expired) != 1 {
		t.Fatalf("renewed when its record is over: %v, %v", changes, err)
	}
	if _, _, _, err := table.grant(t0.Add(90*time.Second), first, manner{}); !errors.Is(err, ErrStale) {
		t.Fatalf("granted when it is over: %v", err)
	}
	table.restore(t0.Add(80*time.Second), first, manner{detached: true}, t0)
	ends(90 * time.Second)
}

// TestWatchersHearTheEndOfRecords: by then nobody believes the record any more.
func TestWatchersHearTheEndOfRecords(t *testing.T) {
	s := startServer(t)
	watcher := startClient(t, infoOf(s.Host))
	h := newHost(t)
	raw := rawTalk(t, h, s)
	soon := func(c *claim) { c.expires = secondOf(time.Now().Add(4*time.Second - clockSkew)) }
	if r := raw.asks(t, registerRequest(sealed(t, h, soon))); r.GetGranted() == nil || r.GetGranted().GetLeaseMs() > 4000 {
		t.Fatal(r)
	}
	var kinds []ChangeKind
	for ch, err := range watcher.Watch(bounded(t), 0) {
		if err != nil {
			t.Fatalf("after %v: %v", kinds, err)
		}
		if kinds = append(kinds, ch.Kind); ch.Kind == Expired {
			break
		}
	}
	if kinds[0] != Joined {
		t.Errorf("the watcher heard %v", kinds)
	}
	if r := raw.asks(t, renewRequest("alice")); code(r) != pb.DirectoryErrorCode_DIRECTORY_ERROR_NOT_REGISTERED {
		t.Errorf("a renewal is answered with %v", r)
	}
}

func TestChangesOfExpiredRecords(t *testing.T) {
	now := time.Now()
	expired := func(c *claim) { c.expires = secondOf(now.Add(-time.Hour)) }
	endless := func(c *claim) { c.expires = secondOf(now.Add(1000 * time.Hour)) }
	for name, tt := range map[string]struct {
		kind   ChangeKind
		change func(*claim)
		is     ChangeKind // 0: it is refused
	}{
		"joined":                      {Joined, expired, 0},
		"updated":                     {Updated, expired, 0},
		"what a peer tells of itself": {retold, expired, 0},
		"away":                        {Away, expired, Expired},
		"left":                        {Left, expired, Left},
		"ended":                       {Expired, expired, Expired},
		"removed":                     {Left, func(c *claim) { expired(c); givenUp(c) }, Left},
		"a removal that expires":      {Expired, givenUp, 0},
		"away for ever":               {Away, endless, 0},
		"away in time":                {Away, func(*claim) {}, Away},
	} {
		t.Run(name, func(t *testing.T) {
			ch := &pb.DirectoryChange{Kind: pb.DirectoryChangeKind(tt.kind), Entry: &pb.DirectoryEntry{Record: wordOf(t, 1, "alice", 1, tt.change)}}
			got, err := decodeChange(ch, "grapevine", now)
			if tt.is == 0 && err == nil || tt.is != 0 && (err != nil || got.kind != tt.is || got.entry.claim.name != "alice") {
				t.Errorf("understood as %v, %v", got.kind, err)
			}
		})
	}
}

// TestExpiredRecordsAreSignedAnew: whatever the clock of this peer says.
func TestExpiredRecordsAreSignedAnew(t *testing.T) {
	var first, now atomic.Uint64
	s := script(t, func(r *pb.DirectoryRequest) *pb.DirectoryResponse {
		if r.GetRegister() == nil {
			return errorResponse(pb.DirectoryErrorCode_DIRECTORY_ERROR_NOT_REGISTERED)
		}
		c, err := openClaim(r.GetRegister().GetRecord(), "grapevine", time.Now())
		if err != nil {
			t.Error(err)
			return nil
		}
		now.Store(c.seq)
		if !first.CompareAndSwap(0, c.seq) && first.Load() == c.seq {
			return errorResponse(pb.DirectoryErrorCode_DIRECTORY_ERROR_STALE)
		}
		return grantResponse(300*time.Millisecond, time.Hour)
	})
	lease := register(t, clientOf(t, ClientConfig{}, s), "alice")
	eventually(t, "it signs anew", func() bool { return now.Load() > first.Load() })
	eventually(t, "it is granted", func() bool { return lease.Err() == nil })
}

// unsteady is a key that cannot sign any more from some time on.
type unsteady struct {
	crypto.PrivKey
	broken *atomic.Bool
}

var errBroken = errors.New("the key is broken")

func (k unsteady) Sign(b []byte) ([]byte, error) {
	if k.broken.Load() {
		return nil, errBroken
	}
	return k.PrivKey.Sign(b)
}

// Who cannot sign anew what the server holds for old is told so.
func TestSignatureFails(t *testing.T) {
	var broken atomic.Bool
	s := script(t, func(r *pb.DirectoryRequest) *pb.DirectoryResponse {
		broken.Store(true)
		return errorResponse(pb.DirectoryErrorCode_DIRECTORY_ERROR_STALE)
	})
	c := clientOf(t, ClientConfig{}, s)
	c.key = unsteady{c.key, &broken}
	if _, err := c.Register(bounded(t), "alice"); !errors.Is(err, errBroken) {
		t.Errorf("register: %v", err)
	}
}
