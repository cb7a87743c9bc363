package federation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	historyTime  = 100 * time.Second // with faults
	historyNames = 3
	keepTerm     = 1000 * time.Hour
)

// faults are those that a history is planted with.
type faults struct {
	// ownGrants: a server grants what is free as far as it knows itself.
	ownGrants bool
}

// history is one seeded run: servers that come and go, fail and recover, and clients
// who claim, renew and remove names at any of them.
type history struct {
	t      *testing.T
	faults faults
	net    *memNet
	began  time.Time
	stop   context.CancelFunc
	ctx    context.Context
	owners [clients]peer.ID

	mu      sync.Mutex
	rng     *rand.Rand
	servers []*server // all five
	up      map[*server]*Federation
	members []*server // as far as was asked for and acknowledged
	small   bool      // they shrink to less than three
	lost    *server   // has lost its disk, and is not known to be back
	ops     []porcupine.Operation
	beliefs map[string][]belief
	kept    map[string]int // names that were claimed for ever, by whom
	extra   int            // process numbers of operations without an end
	told    map[string]int // what happened, counted
	wrong   []error
}

// problem notes what the end of a history shows to be wrong.
func (h *history) problem(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wrong = append(h.wrong, fmt.Errorf(format, args...))
}

func (h *history) now() time.Duration { return time.Since(h.began) }

func (h *history) random(n int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rng.IntN(n)
}

func (h *history) pause(low, high time.Duration) bool {
	d := low + time.Duration(h.random(int(high-low)))
	select {
	case <-time.After(d):
		return true
	case <-h.ctx.Done():
		return false
	}
}

func (h *history) count(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told[what]++
}

// any returns a running server, nil if there is none.
func (h *history) any() (*server, *Federation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var running []*server
	for _, s := range h.members {
		if h.up[s] != nil {
			running = append(running, s)
		}
	}
	if len(running) == 0 {
		return nil, nil
	}
	s := running[h.rng.IntN(len(running))]
	return s, h.up[s]
}

func (h *history) run(seed uint64) {
	h.rng = rand.New(rand.NewPCG(seed, 2))
	h.net = newMemNet(seed)
	h.net.slow(20 * time.Millisecond)
	h.began = time.Now()
	h.ctx, h.stop = context.WithCancel(context.Background())
	h.up, h.beliefs, h.kept, h.told = map[*server]*Federation{}, map[string][]belief{}, map[string]int{}, map[string]int{}
	for i := range h.owners {
		h.owners[i] = owner(h.t, i)
	}
	for i := range 5 {
		h.servers = append(h.servers, newServer(h.t, i))
	}
	h.start(h.servers[0])
	h.members = []*server{h.servers[0]}

	var work sync.WaitGroup
	for i := range clients {
		work.Go(func() { h.client(i) })
	}
	faultsEnd, endFaults := context.WithCancel(h.ctx)
	var chaos sync.WaitGroup
	chaos.Go(func() { h.chaos(faultsEnd) })
	scheduled := make(chan struct{})
	go func() {
		defer close(scheduled)
		h.schedule()
	}()
	elapse(historyTime)
	endFaults()
	chaos.Wait()
	h.heal()
	<-scheduled
	h.stop()
	work.Wait()
	h.healed()
	for _, f := range h.up {
		if err := f.Close(); err != nil {
			h.t.Errorf("close: %v", err)
		}
	}
}

// healed checks that every name claimed for ever is known wherever the federation
// still is, and that one more claim is granted.
func (h *history) healed() {
	for _, s := range h.members {
		f := h.up[s]
		c := claimOf(h.owners[0], "the last of "+s.id.String(), 1)
		c.MaxPerOwner = 1000
		if _, err := f.Claim(context.Background(), c); err != nil {
			h.problem("claim after healing: %v", err)
		}
	}
	elapse(time.Second)
	for _, s := range h.members {
		for name, client := range h.kept {
			if holding, held := h.up[s].Owner(name); !held || holding.Owner != h.owners[client] {
				h.problem("%q of client %d is forgotten", name, client)
			}
		}
	}
}

// verdict says what is wrong with a history, outside of the bubble: porcupine's
// patience is real time.
func (h *history) verdict() error {
	wrong := slices.Clone(h.wrong)
	for name, all := range h.beliefs {
		if err := overlap(all); err != nil {
			wrong = append(wrong, fmt.Errorf("two are sure of %q: %w", name, err))
		}
	}
	if result := porcupine.CheckOperationsTimeout(nameModel, h.ops, time.Minute); result != porcupine.Ok {
		wrong = append(wrong, fmt.Errorf("the history of %d operations: %v", len(h.ops), result))
		for _, part := range nameModel.Partition(h.ops) {
			if porcupine.CheckOperationsTimeout(nameModel, part, time.Minute) == porcupine.Ok {
				continue
			}
			for _, op := range part {
				wrong = append(wrong, fmt.Errorf("%+v: %+v", op.Input, op.Output))
			}
		}
	}
	return errors.Join(wrong...)
}

// TestHistories runs seeded histories: 20, or as many as GRAPEVINE_HISTORIES says,
// from the seed GRAPEVINE_HISTORY_SEED on. A seed decides what is done to the servers
// and what clients ask for; how goroutines take turns is not repeated.
// GRAPEVINE_HISTORY_LOG=1 shows the servers' logs.
func TestHistories(t *testing.T) {
	number := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
			return n
		}
		return otherwise
	}
	first := number("GRAPEVINE_HISTORY_SEED", 1)
	for seed := first; seed < first+number("GRAPEVINE_HISTORIES", 20); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			h := &history{t: t}
			synctest.Test(t, func(t *testing.T) {
				h.t = t
				h.run(uint64(seed))
			})
			h.t = t
			if err := h.verdict(); err != nil {
				t.Error(err)
			}
			t.Logf("%d operations, %d names kept: %v", len(h.ops), len(h.kept), h.told)
		})
	}
}

// Servers that grant what they think is free are found out, by the histories of the
// contested names alone.
func TestPlantedOwnGrants(t *testing.T) {
	for seed := range 3 {
		h := &history{t: t, faults: faults{ownGrants: true}}
		synctest.Test(t, func(t *testing.T) {
			h.t = t
			h.run(uint64(seed))
		})
		if porcupine.CheckOperationsTimeout(nameModel, h.ops, time.Minute) == porcupine.Ok {
			t.Errorf("seed %d: the fault is not noticed", seed)
		}
	}
}
