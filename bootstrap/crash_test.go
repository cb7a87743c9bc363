package bootstrap

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
)

// victimFolder in the environment makes the test binary a server to be killed.
const victimFolder = "GRAPEVINE_TEST_VICTIM"

func runVictim(folder string) {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	key, err := victimKey()
	fail(err)
	h, err := libp2p.New(libp2p.Identity(key), libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay(), libp2p.DisableMetrics())
	fail(err)
	store, err := OpenStore(folder, slog.Default())
	fail(err)
	fail((&Server{Host: h, Store: store, Limits: Limits{RequestsPerPeer: 1e6, RegistrationsPerPeer: 1e6}}).Start(context.Background()))
	addrs, err := peer.AddrInfoToP2pAddrs(&peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()})
	fail(err)
	fmt.Println(addrs[0])
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// victimKey is the server's key, the same in each of its lives.
func victimKey() (crypto.PrivKey, error) {
	key, _, err := crypto.GenerateEd25519Key(bytes.NewReader(bytes.Repeat([]byte{42}, 64)))
	return key, err
}

func TestKilledServerKeepsWhatItAcknowledged(t *testing.T) {
	folder := t.TempDir()
	held := map[string]peer.ID{}
	for round := range 3 {
		victim := exec.CommandContext(t.Context(), os.Args[0])
		victim.Env = append(os.Environ(), victimFolder+"="+folder)
		victim.Stderr = os.Stderr
		out, err := victim.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		// Its input ends with this process, however that ends, and it with its input.
		leash, err := victim.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		defer leash.Close()
		if err := victim.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		info, err := peer.AddrInfoFromString(strings.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var wg sync.WaitGroup
		enough := make(chan struct{})
		acknowledged := 0
		for i := range 8 {
			c := startClient(t, *info)
			wg.Go(func() {
				for n := 0; ; n++ {
					name := fmt.Sprintf("%d-%d-%d", round, i, n)
					claim, err := c.sign(name, nameKey(name), false, 0)
					if err != nil {
						t.Error(err)
						return
					}
					if _, _, err := c.links[0].register(bounded(t), claim); err != nil {
						return // killed
					}
					mu.Lock()
					held[name] = c.host.ID()
					if acknowledged++; acknowledged == 50*(round+1) {
						close(enough)
					}
					mu.Unlock()
				}
			})
		}
		done := make(chan struct{})
		go func() { wg.Wait(); close(done) }()
		select {
		case <-enough:
		case <-done: // all were refused
		}
		if err := victim.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = victim.Wait() // it was killed
		<-done
		if acknowledged < 50*(round+1) {
			t.Fatalf("round %d: %d claims are acknowledged", round, acknowledged)
		}

		store, err := OpenStore(folder, testLogger(t))
		if err != nil {
			t.Fatal(err)
		}
		key, err := victimKey()
		if err != nil {
			t.Fatal(err)
		}
		s := startServer(t, func(s *Server) { s.Host, s.Store = newHost(t, libp2p.Identity(key)), store })
		for name, owner := range held {
			e, err := s.find(s.started, nameKey(name))
			if err != nil || e.claim.peer != owner || !e.unconfirmed {
				t.Fatalf("round %d: %q was acknowledged and is now: %v", round, name, err)
			}
			if holding, held := s.federation.Owner(name); !held || holding.Owner != owner {
				t.Fatalf("round %d: %q was granted and is now held by %v", round, name, holding.Owner)
			}
		}
		if err := errors.Join(s.Close(), store.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// skipIfChecked skips a test in which bbolt follows pointers of a damaged page. Where
// they lead nowhere, readFile catches the fault; the checks of pointers that come with
// the race detector end the process instead.
func skipIfChecked(t *testing.T) {
	t.Helper()
	info, _ := debug.ReadBuildInfo()
	if info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip("with the race detector")
	}
}

func TestDamagedStoreIsSurvived(t *testing.T) {
	skipIfChecked(t)
	folder := t.TempDir()
	open := func(logger *slog.Logger) *Store {
		t.Helper()
		store, err := OpenStore(folder, logger)
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
	store := open(testLogger(t))
	home := newHost(t)
	s := startServer(t, func(s *Server) { s.Host, s.Store = home, store })
	for i := range 5 {
		h := newHost(t)
		rawTalk(t, h, s).asks(t, registerRequest(sealed(t, h, func(c *claim) { c.name = fmt.Sprint("name-", i) })))
	}
	if err := errors.Join(s.Close(), store.Close()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, leaseFileName)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// Where a record stands; some are on pages that are not in use any more.
	var records []int
	for at := 0; ; {
		i := bytes.Index(whole[at:], []byte("name-3"))
		if i < 0 {
			break
		}
		records = append(records, at+i)
		at += i + 1
	}
	if len(records) == 0 {
		t.Fatal("the records are not in the file")
	}
	page := os.Getpagesize()
	inPage := func(offset int, bits byte) func([]byte) []byte {
		return func(b []byte) []byte {
			done := make(map[int]bool)
			for _, r := range records {
				if at := r - r%page + offset; !done[at] {
					b[at] ^= bits
					done[at] = true
				}
			}
			return b
		}
	}
	for name, spoil := range map[string]func([]byte) []byte{
		"a bit of each record": func(b []byte) []byte {
			for _, r := range records {
				b[r] ^= 4
			}
			return b
		},
		"the kind of a page":   inPage(8, 3),
		"the length of a page": inPage(11, 0x40),
		"the length of a key":  inPage(16+11, 0x7f),
		"both heads":           func(b []byte) []byte { clear(b[:2*page]); return b },
		"cut":                  func(b []byte) []byte { return b[:3*page+page/4] },
		"empty":                func([]byte) []byte { return nil },
		"garbage":              func(b []byte) []byte { return bytes.Repeat([]byte{0xa5}, len(b)) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(file, spoil(bytes.Clone(whole)), 0o600); err != nil {
				t.Fatal(err)
			}
			var logged bytes.Buffer
			logger := slog.New(slog.NewTextHandler(&logged, nil))
			store := open(logger)
			defer store.Close()
			s := startServer(t, func(s *Server) { s.Host, s.Store, s.Logger = home, store, logger })
			defer s.Close()
			t.Logf("%d of 5 are kept; log: %s", len(s.List()), logged.String())
			if !strings.Contains(logged.String(), "WARN") {
				t.Error("nobody is told")
			}
			h := newHost(t)
			if resp := rawTalk(t, h, s).asks(t, registerRequest(sealed(t, h, func(c *claim) { c.name = "" }))); resp.GetGranted() == nil {
				t.Fatal(resp)
			}
		})
	}
}

// TestAnyDamageIsSurvived flips bits all over a file.
func TestAnyDamageIsSurvived(t *testing.T) {
	skipIfChecked(t)
	folder := t.TempDir()
	name := filepath.Join(folder, leaseFileName)
	var kept []leaseStep
	for i := range 200 {
		kept = append(kept, leaseStep{leaseID{peer.ID(fmt.Sprint("peer", i)), "x"}, bytes.Repeat([]byte{byte(i)}, 300)})
	}
	if err := writeLeases(name, content{leases: kept}); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	told := 0
	for range 500 {
		broken := bytes.Clone(whole)
		for range 1 + rng.IntN(3) {
			// Most often in the head of a page, where it hurts.
			at := rng.IntN(len(broken))
			if rng.IntN(3) > 0 {
				at -= at % os.Getpagesize()
				at += rng.IntN(64)
			}
			broken[at] ^= 1 << rng.IntN(8)
		}
		if rng.IntN(4) == 0 {
			broken = broken[:rng.IntN(len(broken))]
		}
		if err := os.WriteFile(name, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		kept, err := readLeases(name)
		if len(kept.leases) > 200 {
			t.Fatalf("%d leases of 200", len(kept.leases))
		}
		if err != nil {
			told++
		}
	}
	if told == 0 {
		t.Fatal("no damage was found")
	}
}

// damage makes a file of a store unreadable.
func damage(t *testing.T, folder, name string) {
	t.Helper()
	name = filepath.Join(folder, name)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		whole[i] ^= 0xff
	}
	if err := os.WriteFile(name, whole, 0o600); err != nil {
		t.Fatal(err)
	}
}
