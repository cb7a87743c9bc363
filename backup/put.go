package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// PutOptions change what Put does; the zero value is fine.
type PutOptions struct {
	Replicas int            // copies wanted, at most [MaxReplicas]; 0 means 3
	Name     string         // what to call it; "" means the base name of the path
	Progress func(Progress) // called often, from one goroutine at a time
}

// Receipt tells what is stored where.
type Receipt struct {
	ID BlobID
	Contents
	Sealed  int64 // size of the blob, in bytes
	Sent    int64 // bytes of blobs that left this node: one copy, unless a chain broke
	Made    time.Time
	Holders []peer.ID // that signed a receipt: each has the blob durably
	Skipped []string  // sockets, devices and pipes, which are not backed up; the first 100
}

// Put backs up the file or folder at path. When it returns without an error, as many
// holders as asked for have it durably. With ErrTooFewHolders the receipt tells which
// have it nevertheless; nothing is sent when too few offer space from the start.
func (s *Service) Put(ctx context.Context, path string, opts PutOptions) (Receipt, error) {
	if opts.Replicas == 0 {
		opts.Replicas = defaultReplicas
	}
	if opts.Replicas < 0 || opts.Replicas > MaxReplicas {
		return Receipt{}, fmt.Errorf("back up %q: %d replicas: want 1 to %d", path, opts.Replicas, MaxReplicas)
	}
	ctx, end, err := s.begin(ctx)
	if err != nil {
		return Receipt{}, err
	}
	defer end()
	receipt, err := s.put(ctx, path, opts)
	if err != nil {
		return receipt, fmt.Errorf("back up %q: %w", path, err)
	}
	return receipt, nil
}

func (s *Service) put(ctx context.Context, path string, opts PutOptions) (r Receipt, err error) {
	sp, err := s.spool(ctx, path, opts.Name, opts.Progress)
	if err != nil {
		return Receipt{}, err
	}
	defer func() {
		if err := sp.remove(); err != nil {
			s.log.Warn("spooled blob not removed", "name", sp.name, "error", err)
		}
	}()
	sp.Replicas = opts.Replicas
	label, err := sealLabel(s.key, sp.id, sp.Contents)
	if err != nil {
		return Receipt{}, err
	}
	o, err := newOrder(s.key, s.node.Network(), sp.id, sp.size, label, time.Now())
	if err != nil {
		return Receipt{}, err
	}
	p := &putting{
		s: s, order: o, blob: sp.file, replicas: opts.Replicas, tell: opts.Progress,
		rng: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())), failed: make(map[peer.ID]error),
	}
	err = p.run(ctx)
	r = Receipt{ID: o.id, Contents: sp.Contents, Sealed: o.size, Sent: p.sent, Made: o.made, Skipped: sp.skipped}
	for _, c := range p.holders {
		r.Holders = append(r.Holders, c.Peer)
	}
	return r, err
}

// putting is one blob on its way to its holders.
type putting struct {
	s        *Service
	order    *order
	blob     io.ReaderAt
	replicas int
	tell     report
	rng      *rand.Rand

	holders []Candidate // with a receipt
	failed  map[peer.ID]error
	sent    int64
}

// run goes in rounds: choose, send, see who has it; until all have it or nobody is
// left to choose. From the first receipt on, that holder is the source.
func (p *putting) run(ctx context.Context) error {
	for range maxRounds {
		p.tell.tell(Progress{Stage: StagePlace, Done: int64(len(p.holders)), Total: int64(p.replicas)})
		candidates, err := p.s.offers(ctx)
		if err != nil {
			return err
		}
		free := slices.DeleteFunc(candidates, func(c Candidate) bool { return p.failed[c.Peer] != nil })
		chosen := place(free, p.holders, p.replicas-len(p.holders), p.order.size, p.rng)
		if len(p.holders)+len(chosen) < p.replicas && len(p.holders) == 0 {
			return p.tooFew(len(chosen))
		}
		if len(chosen) == 0 {
			return p.tooFew(0)
		}
		if err := p.pass(ctx, chosen); err != nil {
			return err
		}
		if len(p.holders) >= p.replicas {
			return nil
		}
	}
	return p.tooFew(0)
}

// tooFew says how far it came.
func (p *putting) tooFew(offering int) error {
	var why []error
	for id, err := range p.failed {
		why = append(why, fmt.Errorf("holder %s: %w", id, err))
	}
	if len(p.holders) == 0 && len(why) == 0 {
		return fmt.Errorf("%w: %d copies wanted, %d peers offer space for %d bytes", ErrTooFewHolders, p.replicas, offering, p.order.size)
	}
	return errors.Join(append([]error{fmt.Errorf("%w: %d copies wanted, %d confirmed", ErrTooFewHolders, p.replicas, len(p.holders))}, why...)...)
}

// pass sends the blob along one chain of the chosen.
func (p *putting) pass(ctx context.Context, chosen []Candidate) error {
	var peers []chainPeer
	if len(p.holders) > 0 {
		source := p.holders[p.rng.IntN(len(p.holders))]
		peers = append(peers, chainPeer{source.Peer, source.record})
	}
	for _, c := range chosen {
		peers = append(peers, chainPeer{c.Peer, c.record})
	}
	c := p.s.openChain(ctx, p.order, peers, p.s.node.ID())
	err := p.feed(ctx, c, len(peers)-1)
	if err != nil {
		c.abort()
		return err
	}
	p.tell.tell(Progress{Stage: StageConfirm, Done: int64(len(p.holders)), Total: int64(p.replicas)})
	for _, out := range c.finish(ctx, len(peers)-1) {
		p.settle(out, chosen)
	}
	return ctx.Err()
}

// feed sends the blob's bytes, unless the first peer has them.
func (p *putting) feed(ctx context.Context, c *chain, behind int) error {
	stop := context.AfterFunc(ctx, func() {
		if c.link != nil {
			c.link.close()
		}
	})
	defer stop()
	buf := make([]byte, chunkSize)
	for at := int64(0); at < p.order.size && c.wants(); {
		n := min(chunkSize, p.order.size-at)
		if got, err := p.blob.ReadAt(buf[:n], at); int64(got) < n {
			return fmt.Errorf("read the spooled blob: %w", err)
		}
		c.send(buf[:n], behind)
		at += n
		p.sent += n
		p.tell.tell(Progress{Stage: StageSend, Done: at, Total: p.order.size, Holder: c.first})
	}
	return ctx.Err()
}

// settle takes one outcome.
func (p *putting) settle(out outcome, chosen []Candidate) {
	err := out.err
	if err == nil {
		err = checkReceipt(out.peer, p.s.node.Network(), p.order, out.receipt)
	}
	known := slices.IndexFunc(p.holders, func(c Candidate) bool { return c.Peer == out.peer })
	at := slices.IndexFunc(chosen, func(c Candidate) bool { return c.Peer == out.peer })
	switch {
	case err != nil && known >= 0: // its receipt stands, but it is no source
		p.s.log.Warn("holder did not pass a blob on", "peer", out.peer, "blob", p.order.id, "error", err)
	case err != nil:
		p.s.log.Warn("holder did not keep a blob", "peer", out.peer, "blob", p.order.id, "error", err)
		p.failed[out.peer] = err
	case known < 0 && at >= 0:
		p.holders = append(p.holders, chosen[at])
		p.tell.tell(Progress{Stage: StageConfirm, Done: int64(len(p.holders)), Total: int64(p.replicas), Holder: out.peer})
	}
}

// offers gathers the peers that offer space.
func (s *Service) offers(ctx context.Context) ([]Candidate, error) {
	var out []Candidate
	for hit, err := range s.ask(ctx, offerKey, maxOffers, offerQuiet) {
		if err != nil {
			return nil, fmt.Errorf("look for holders: %w", err)
		}
		if hit.From.ID == s.node.ID() {
			continue // a copy here is no backup
		}
		c, err := candidateOf(hit)
		if err != nil {
			s.log.Warn("bad offer", "peer", hit.From.ID, "error", err)
			continue
		}
		out = append(out, c)
	}
	return out, nil
}
