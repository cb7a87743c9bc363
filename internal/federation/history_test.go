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

	"github.com/grapevine-p2p/grapevine/internal/names"
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

// start runs a server with what its store holds, knowing the others.
func (h *history) start(s *server) {
	h.mu.Lock()
	var fellows []*server
	for _, m := range h.members {
		if m != s {
			fellows = append(fellows, m)
		}
	}
	h.mu.Unlock()
	f, err := Start(context.Background(), s.config(h.net, fellows...))
	if err != nil {
		h.t.Errorf("start: %v", err)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.up[s] = f
}

// kill stops a server: nothing that it sends after this moment arrives.
func (h *history) kill(s *server) {
	h.mu.Lock()
	f := h.up[s]
	delete(h.up, s)
	h.mu.Unlock()
	if f == nil {
		return
	}
	h.net.kill(s.id)
	if err := f.Close(); err != nil {
		h.t.Errorf("close: %v", err)
	}
}

// recovered tells whether nobody lacks a disk that it lost.
func (h *history) recovered() bool {
	h.mu.Lock()
	lost, f := h.lost, h.up[h.lost]
	h.mu.Unlock()
	if lost == nil {
		return true
	}
	_, other := h.any()
	if f == nil || other == nil {
		return false
	}
	// It votes, and there is no trace of the former one, as the leader sees it.
	if finished, err := other.settled(change{member: f.self}); err != nil || !finished {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lost = nil
	return true
}

// chaos breaks things, and mends them.
func (h *history) chaos(ctx context.Context) {
	for h.pause(200*time.Millisecond, 4*time.Second) && ctx.Err() == nil {
		s, _ := h.any()
		other, _ := h.any()
		if s == nil || h.random(4) == 0 {
			h.heal()
			continue
		}
		switch h.random(6) {
		case 0:
			h.count("cut")
			h.net.cut(s.id, other.id)
			h.net.cut(other.id, s.id)
		case 1:
			h.count("one-way cut")
			h.net.cut(s.id, other.id)
		case 2:
			h.count("isolation")
			for _, o := range h.servers {
				h.net.cut(s.id, o.id)
				if h.random(2) == 0 {
					h.net.cut(o.id, s.id)
				}
			}
		case 3:
			h.count("kill")
			h.kill(s)
		case 4:
			h.count("slow")
			h.net.slow(time.Duration(1+h.random(300)) * time.Millisecond)
		case 5:
			h.loseDisk(s)
		}
	}
}

// loseDisk restarts a server without its state, if no other waits to be taken back
// and the others are enough to take it back.
func (h *history) loseDisk(s *server) {
	h.mu.Lock()
	enough := len(h.members) >= 3 && !h.small
	h.mu.Unlock()
	if !enough || !h.recovered() {
		return
	}
	h.mu.Lock()
	h.lost = s
	h.mu.Unlock()
	h.count("lost disk")
	h.kill(s)
	s.stores = MemoryStores()
	h.start(s)
}

// heal mends the network and starts all that were killed.
func (h *history) heal() {
	h.net.heal()
	h.net.slow(20 * time.Millisecond)
	h.mu.Lock()
	var down []*server
	for _, s := range h.members {
		if h.up[s] == nil {
			down = append(down, s)
		}
	}
	h.mu.Unlock()
	for _, s := range down {
		if h.random(4) > 0 || h.now() > historyTime {
			h.start(s)
		}
	}
}

// schedule grows the federation from one to three to five servers and shrinks it
// again. A change that failed may yet be made, so it is asked for until it is.
func (h *history) schedule() {
	for _, size := range []int{3, 5, 3, 1} {
		if !h.pause(10*time.Second, 25*time.Second) {
			return
		}
		for h.size() != size {
			h.setSmall(size < 3)
			grows := h.size() < size
			if !grows && size < 3 && !h.recovered() {
				if !h.goesOn(size) {
					return
				}
				continue
			}
			s := h.choose(grows)
			change := h.remove
			if grows {
				change = h.add
			}
			for !change(s) {
				if !h.goesOn(size) {
					return
				}
			}
		}
	}
}

// goesOn waits a moment, and tells whether there is still hope.
func (h *history) goesOn(size int) bool {
	if h.now() > historyTime+3*time.Minute {
		h.problem("the servers are %d and not %d long after all is healed", h.size(), size)
		h.describe()
		return false
	}
	return h.pause(100*time.Millisecond, time.Second)
}

func (h *history) setSmall(small bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.small = small
}

// choose picks a server to be added or removed.
func (h *history) choose(add bool) *server {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []*server
	for _, s := range h.servers {
		if slices.Contains(h.members, s) != add {
			all = append(all, s)
		}
	}
	return all[h.rng.IntN(len(all))]
}

// describe tells how each server sees the federation.
func (h *history) describe() {
	for i, s := range h.servers {
		if f := h.up[s]; f != nil {
			h.t.Logf("server %d, asked for %v, lost %v: %+v", i, slices.Contains(h.members, s), s == h.lost, f.Status(context.Background()))
		}
	}
}

func (h *history) size() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.members)
}

func (h *history) add(s *server) bool {
	h.mu.Lock()
	runs := h.up[s] != nil
	h.mu.Unlock()
	if !runs {
		h.start(s)
	}
	_, by := h.any()
	if by == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(h.ctx, 20*time.Second)
	defer cancel()
	if err := by.AddServer(ctx, s.info()); err != nil {
		h.count("failed addition")
		return false
	}
	h.count("addition")
	h.mu.Lock()
	defer h.mu.Unlock()
	h.members = append(h.members, s)
	return true
}

func (h *history) remove(s *server) bool {
	_, by := h.any()
	if by == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(h.ctx, 20*time.Second)
	defer cancel()
	if err := by.RemoveServer(ctx, s.id); err != nil {
		h.count("failed removal")
		return false
	}
	h.count("removal")
	h.mu.Lock()
	h.members = slices.DeleteFunc(h.members, func(m *server) bool { return m == s })
	if h.lost == s {
		h.lost = nil
	}
	h.mu.Unlock()
	h.kill(s)
	if h.random(2) == 0 {
		s.stores = MemoryStores()
	}
	return true
}

// client claims, renews and removes until the end.
func (h *history) client(i int) {
	seqs, gone := map[string]uint64{}, map[string]bool{}
	for h.pause(50*time.Millisecond, time.Second) {
		in := opInput{client: i, name: fmt.Sprintf("name %d", h.random(historyNames)), term: 8 * time.Second}
		switch n := h.random(20); {
		case n < 10:
			in.kind = opClaim
		case n < 16:
			in.kind = opRenew
		case n < 19:
			in.kind = opRemove
		default:
			in.kind, in.term = opClaim, keepTerm
			in.name = fmt.Sprintf("kept by %d: %d", i, h.random(1000))
		}
		if in.kind != opRenew {
			seqs[in.name]++
		}
		in.seq = seqs[in.name]
		if in.kind == opRenew && gone[in.name] {
			continue // a removal may be late: see names.Removal
		}
		granted := h.do(in)
		gone[in.name] = in.kind == opRemove || gone[in.name] && !granted
	}
}

// do does one operation at any server, and tells whether it was granted.
func (h *history) do(in opInput) bool {
	_, f := h.any()
	if f == nil {
		return false
	}
	in.call = h.now()
	if in.kind == opRemove { // from now on the client is sure of nothing
		h.mu.Lock()
		for i, b := range h.beliefs[in.name] {
			if b.client == in.client {
				h.beliefs[in.name][i].to = min(b.to, in.call)
			}
		}
		h.mu.Unlock()
	}
	sent := time.Now()
	out, err := h.ask(f, in)
	out.back = h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	process := in.client
	if out.result == resUnknown {
		if !errors.Is(err, ErrUncertain) && (errors.Is(err, ErrNoMajority) || errors.Is(err, ErrNotMember)) {
			h.told["refused"]++
			return false // nothing happened
		}
		h.told["unknown"]++
		out.back = forever
		h.extra++
		process = clients + h.extra
	}
	h.told[fmt.Sprintf("op %d result %d", in.kind, out.result)]++
	h.ops = append(h.ops, porcupine.Operation{
		ClientId: process, Input: in, Call: int64(in.call), Output: out, Return: int64(out.back),
	})
	if out.result != resOK || in.kind == opRemove {
		return false
	}
	if in.term == keepTerm {
		h.kept[in.name] = in.client
	}
	term := names.Term{Began: sent, Span: in.term}
	h.beliefs[in.name] = append(h.beliefs[in.name], belief{in.client, h.now(), h.now() + term.Left(time.Now())})
	return true
}

// ask does one operation at a server.
func (h *history) ask(f *Federation, in opInput) (opOutput, error) {
	me := h.owners[in.client]
	var err error
	switch in.kind {
	case opClaim:
		if _, held := f.Owner(in.name); h.faults.ownGrants && in.term != keepTerm && !held {
			return opOutput{result: resOK}, nil
		}
		c := claimOf(me, in.name, in.seq)
		c.Term, c.MaxPerOwner = in.term, 1000
		_, err = f.Claim(context.Background(), c)
	case opRenew:
		var lost []names.Renewal
		lost, err = f.Renew(context.Background(), []names.Renewal{{Key: in.name, Owner: me}})
		if err == nil && len(lost) > 0 {
			return opOutput{result: resNone}, nil
		}
	case opRemove:
		err = f.Remove(context.Background(), names.Removal{Key: in.name, Owner: me, Seq: in.seq})
	}
	var taken *names.TakenError
	switch {
	case err == nil:
		return opOutput{result: resOK}, nil
	case errors.As(err, &taken):
		return opOutput{result: resOther, other: slices.Index(h.owners[:], taken.Owner)}, nil
	case errors.Is(err, names.ErrNotOwner):
		return opOutput{result: resNotOwner}, nil
	case errors.Is(err, names.ErrNotRegistered):
		return opOutput{result: resNone}, nil
	case errors.Is(err, names.ErrStale):
		return opOutput{result: resStale}, nil
	}
	return opOutput{result: resUnknown}, err
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
