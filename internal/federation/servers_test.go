package federation

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"

	"github.com/grapevine-p2p/grapevine/internal/names"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is one machine of a test: a key, stores, and a federation while it runs.
type server struct {
	key    crypto.PrivKey
	id     peer.ID
	stores *Stores
	*Federation
}

func newServer(t testing.TB, n int) *server {
	t.Helper()
	seed := sha256.Sum256(fmt.Appendf(nil, "server %d", n))
	key, _, err := crypto.GenerateEd25519Key(newSeeded(seed))
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return &server{key: key, id: id, stores: MemoryStores()}
}

func (s *server) info() peer.AddrInfo { return peer.AddrInfo{ID: s.id} }

// newSeeded reads the same bytes for ever.
func newSeeded(seed [32]byte) *seeded { return &seeded{seed: seed} }

type seeded struct{ seed [32]byte }

func (s *seeded) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = s.seed[i%len(s.seed)]
	}
	return len(b), nil
}

var testTiming = Timing{
	Heartbeat: 500 * time.Millisecond, Request: 2 * time.Second, Knock: time.Second, Change: 30 * time.Second,
	Tick: 30 * time.Second,
}

func (s *server) config(net *memNet, fellows ...*server) Config {
	c := Config{
		Key: s.key, Addrs: func() []ma.Multiaddr { return nil }, Name: "test", Network: net.at(s.id), Stores: s.stores,
		Timing: testTiming, Term: 8 * time.Second, Reserve: -1,
		Logger: slog.New(slog.DiscardHandler).With("server", s.id.ShortString()),
	}
	if os.Getenv("GRAPEVINE_HISTORY_LOG") != "" {
		c.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("server", s.id.ShortString())
	}
	for _, fellow := range fellows {
		c.Fellows = append(c.Fellows, fellow.info())
	}
	return c
}

func (s *server) start(t testing.TB, net *memNet, fellows ...*server) {
	t.Helper()
	s.startWith(t, s.config(net, fellows...))
}

// startWith starts the server until the test ends, if nobody stops it before: the
// bubble of a test that has failed would wait for it for ever.
func (s *server) startWith(t testing.TB, config Config) {
	t.Helper()
	f, err := Start(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	s.Federation = f
}

func (s *server) stop(t testing.TB) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// owner is a peer that claims names.
func owner(t testing.TB, n int) peer.ID {
	t.Helper()
	return newServer(t, 1000+n).id
}

func claimOf(owner peer.ID, name string, seq uint64) names.Claim {
	return names.Claim{Key: name, Skeleton: name, Name: name, Owner: owner, Seq: seq}
}

// elapse lets virtual time pass. It is for the bubbles of testing/synctest only: there
// it takes no time.
func elapse(d time.Duration) { <-time.After(d) }
