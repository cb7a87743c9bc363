package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"

	"github.com/grapevine-p2p/grapevine/internal/fabric"
)

const (
	// spareFiles are descriptors that are not connections: sockets that listen, and
	// what happens to be dialled at once.
	spareFiles = 6000
	// mostConns is the high water of libp2p's own default.
	mostConns = 192
	// trimAfter is how long a new connection is safe from the connection manager.
	trimAfter = 5 * time.Second
	// trimPause is the least time between two trims: short, for files are few.
	trimPause = time.Second
)

// world is the hosts of one system, on loopback TCP with Noise and yamux.
type world struct {
	plan   plan
	fabric fabric.Fabric
	tally  *tally
	hosts  []*countedHost // first those of the plan, then those that arrived
	conns  atomic.Int64   // connections opened
	most   int            // connections of a host before the manager trims

	ids     *rand.ChaCha8
	closing sync.WaitGroup // of the dead

	mu   sync.Mutex
	dead map[peer.ID]bool
}

func newWorld(p plan, t *tally) (*world, error) {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return nil, fmt.Errorf("limit of open files: %w", err)
	}
	// Both ends of a connection are in this process.
	most := min(mostConns, (int(min(files.Cur, 1<<30))-spareFiles)/p.hosts)
	if most < 32 {
		return nil, fmt.Errorf("%d open files are too few for %d hosts", files.Cur, p.hosts)
	}
	var seed [32]byte
	rng := p.rng(forIdentities)
	for i := range seed {
		seed[i] = byte(rng.Uint32())
	}
	w := &world{plan: p, tally: t, most: most, ids: rand.NewChaCha8(seed), dead: make(map[peer.ID]bool)}
	for range p.hosts {
		if _, err := w.add(); err != nil {
			return nil, errors.Join(err, w.close())
		}
	}
	return w, nil
}

// add makes one more host and returns its index.
func (w *world) add() (int, error) {
	id, _, err := crypto.GenerateEd25519Key(w.ids)
	if err != nil {
		return 0, err
	}
	manager, err := connmgr.NewConnManager(w.most*3/4, w.most, connmgr.WithGracePeriod(trimAfter), connmgr.WithSilencePeriod(trimPause))
	if err != nil {
		return 0, err
	}
	h, err := w.fabric.NewHost(id, libp2p.ConnectionManager(manager))
	if err != nil {
		return 0, err
	}
	h.Network().Notify(&network.NotifyBundle{ConnectedF: func(_ network.Network, c network.Conn) {
		if c.Stat().Direction == network.DirOutbound {
			w.conns.Add(1)
		}
	}})
	w.hosts = append(w.hosts, &countedHost{Host: h, tally: w.tally})
	return len(w.hosts) - 1, nil
}

func (w *world) addr(i int) peer.AddrInfo {
	return peer.AddrInfo{ID: w.hosts[i].ID(), Addrs: w.hosts[i].Addrs()}
}

// cut lets hosts vanish without a goodbye.
func (w *world) cut(dying ...int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, i := range dying {
		h := w.hosts[i]
		h.dead.Store(true)
		w.dead[h.ID()] = true
		w.fabric.Cut(h.ID())
	}
}

func (w *world) live(id peer.ID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.dead[id]
}

func (w *world) deaths() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.dead) > 0
}

// close ends all hosts.
func (w *world) close() error {
	w.closing.Wait()
	errs := make([]error, len(w.hosts))
	var wg sync.WaitGroup
	for i, h := range w.hosts {
		wg.Go(func() { errs[i] = h.Close() })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// spent is the CPU time of this process so far.
func spent() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// heap is what lives on the heap now.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what finalizers let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
