package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/grapevine-p2p/grapevine/internal/names"
)

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
