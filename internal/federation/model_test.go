package federation

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// The operations of a history, on one name each.
type opKind uint8

const (
	opClaim opKind = iota
	opRenew
	opRemove
)

type opInput struct {
	kind   opKind
	name   string
	client int
	seq    uint64
	term   time.Duration
	call   time.Duration
}

// What an operation came to.
type opResult uint8

const (
	resOK       opResult = iota
	resOther             // another client holds the name
	resNone              // nobody holds it; of a renewal, the client does not
	resNotOwner          // of a removal: somebody else holds it
	resStale
	resUnknown // it may take effect until the end
)

type opOutput struct {
	result opResult
	other  int // resOther: who holds it
	back   time.Duration
}

const (
	clients = 4
	nobody  = -1
	forever = time.Duration(math.MaxInt64)
)

// modelState is who holds a name. A name may become free by itself once its term is
// over; that it did is seen by what comes after.
type modelState struct {
	owner int
	seq   uint64
	// since is the earliest time at which the state can have been reached, and
	// until the earliest at which the name can be free by itself.
	since, until time.Duration
	removed      [clients]uint64 // the numbers of the last removals
}

// step returns the states in which an operation with such an outcome may leave a
// name.
func (s modelState) step(in opInput, out opOutput) []modelState {
	if out.back < s.since {
		return nil // the state was not there yet
	}
	mine := s.owner == in.client
	extended := s
	extended.since = max(s.since, in.call)
	extended.until = max(s.until, in.call+in.term)
	extended.seq = max(s.seq, in.seq)
	// freed is the state after the term ended, if it can have by the time that the
	// operation was over.
	freed, canBeFree := s, s.owner == nobody
	if !canBeFree && s.until <= out.back {
		canBeFree = true
		freed.owner, freed.since = nobody, max(s.since, s.until)
	}
	taken := freed
	taken.owner, taken.seq = in.client, in.seq
	taken.since = max(freed.since, in.call)
	taken.until = taken.since + in.term
	gone := s
	gone.owner, gone.since = nobody, max(s.since, in.call)
	gone.removed[in.client] = max(s.removed[in.client], in.seq)
	noted := s // a removal of what the client does not hold
	noted.removed = gone.removed
	allowed := in.seq > s.removed[in.client]

	var next []modelState
	switch in.kind {
	case opClaim:
		switch {
		case out.result == resOther:
			if s.owner == out.other && !mine {
				next = append(next, s)
			}
		case out.result == resStale:
			next = append(next, s)
		case out.result == resUnknown:
			next = append(next, s)
			fallthrough
		case out.result == resOK && allowed:
			if mine && in.seq >= s.seq && allowed {
				next = append(next, extended)
			}
			if canBeFree && allowed {
				next = append(next, taken)
			}
		}
	case opRenew:
		extended.seq = s.seq
		switch out.result {
		case resOK:
			if mine {
				next = append(next, extended)
			}
		case resUnknown:
			next = append(next, s)
			if mine {
				next = append(next, extended)
			}
		case resNone:
			if !mine {
				next = append(next, s)
			} else if canBeFree {
				next = append(next, freed)
			}
		}
	case opRemove:
		freed.removed = gone.removed
		switch out.result {
		case resOK:
			if mine {
				next = append(next, gone)
			} else {
				next = append(next, noted)
			}
		case resNotOwner:
			if s.owner != nobody && !mine {
				next = append(next, noted)
			}
		case resNone:
			if canBeFree {
				next = append(next, freed)
			}
		case resStale:
			next = append(next, s)
		case resUnknown:
			next = append(next, s)
			if mine && in.seq > s.seq {
				next = append(next, gone)
			} else if !mine {
				next = append(next, noted)
			}
		}
	}
	return next
}

var nameModel = (&porcupine.NondeterministicModel{
	Init: func() []any { return []any{modelState{owner: nobody}} },
	Step: func(state, input, output any) []any {
		var all []any
		for _, s := range state.(modelState).step(input.(opInput), output.(opOutput)) {
			all = append(all, s)
		}
		return all
	},
	Equal: func(a, b any) bool { return a == b },
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byName := map[string][]porcupine.Operation{}
		var order []string
		for _, op := range history {
			name := op.Input.(opInput).name
			if byName[name] == nil {
				order = append(order, name)
			}
			byName[name] = append(byName[name], op)
		}
		var parts [][]porcupine.Operation
		for _, name := range order {
			parts = append(parts, byName[name])
		}
		return parts
	},
}).ToModel()

// belief is a time in which a client was sure to hold a name.
type belief struct {
	client   int
	from, to time.Duration
}

// overlap finds two clients who were sure of one name at once.
func overlap(all []belief) error {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b belief) int { return int(a.from - b.from) })
	latest := map[int]belief{}
	for _, b := range all {
		for other, o := range latest {
			if other != b.client && b.from < o.to {
				return fmt.Errorf("client %d until %s and client %d from %s", other, o.to, b.client, b.from)
			}
		}
		if b.to > latest[b.client].to {
			latest[b.client] = b
		}
	}
	return nil
}
