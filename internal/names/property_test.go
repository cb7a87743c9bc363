package names

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"
)

// A state that was written and read in between goes on exactly as the one that was
// not, whatever the commands.
func TestSnapshotChangesNothing(t *testing.T) {
	owners := []peer.ID{ownerID(t, 1), ownerID(t, 2), ownerID(t, 3)}
	rapid.Check(t, func(t *rapid.T) {
		one, other := New(), New()
		for range rapid.IntRange(1, 60).Draw(t, "commands") {
			stamp := one.Now() + time.Duration(rapid.IntRange(-5, 20).Draw(t, "later"))*time.Minute
			command := drawCommand(t, owners)
			if stamp < 0 {
				stamp = 0
			}
			entry := Entry{Stamp: stamp, RaftTerm: 3, Command: command}
			data, err := entry.Encode()
			if err != nil {
				t.Fatal(err)
			}
			decoded, err := Decode(data)
			if err != nil || decoded.Stamp != stamp || decoded.RaftTerm != 3 {
				t.Fatalf("%+v came back as %+v, %v", entry, decoded, err)
			}
			outcome, changes := one.Apply(stamp, command)
			again, sameChanges := other.Apply(decoded.Stamp, decoded.Command)
			if !reflect.DeepEqual(outcome, again) || !reflect.DeepEqual(changes, sameChanges) {
				t.Fatalf("%+v: %+v %+v and %+v %+v", command, outcome, changes, again, sameChanges)
			}
			if err := one.check(); err != nil {
				t.Fatal(err)
			}
			var written, rewritten bytes.Buffer
			if err := one.Snapshot().Write(&written); err != nil {
				t.Fatal(err)
			}
			if err := other.Snapshot().Write(&rewritten); err != nil || !bytes.Equal(written.Bytes(), rewritten.Bytes()) {
				t.Fatalf("equal states have different snapshots, %v", err)
			}
			if rapid.Bool().Draw(t, "restore") {
				if other, err = Restore(&written); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

func drawCommand(t *rapid.T, owners []peer.ID) Command {
	owner := rapid.SampledFrom(owners).Draw(t, "owner")
	key := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "key")
	seq := uint64(rapid.IntRange(1, 9).Draw(t, "seq"))
	term := time.Duration(rapid.IntRange(1, 60).Draw(t, "term")) * time.Minute
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		return Tick{}
	case 1:
		return Removal{key, owner, seq}
	case 2:
		return Renew{term, 0, []Renewal{{key, owner}, {"a", owner}}}
	}
	return Claim{
		Key: key, Skeleton: rapid.SampledFrom([]string{"x", "y", key}).Draw(t, "skeleton"), Name: key,
		Owner: owner, Seq: seq, MaxPerOwner: 2, MaxNames: 3, Term: term,
	}
}

// holder is a peer that asks for a name and believes what it is told.
type holder struct {
	owner peer.ID
	seq   uint64
	term  Term // of the last answer
	given bool // the name was given up since
}

// request is on its way to the leader, and its answer on its way back.
type request struct {
	holder  int
	command Command
	sent    time.Time
	outcome Kind // 0 while it was not applied
}

// world is servers that lead in turn, each with clocks of its own rate, and holders
// with theirs.
type world struct {
	state   *State
	real    time.Duration
	term    uint64
	base    time.Duration // the leader's clock: state time when it began to lead,
	at      time.Duration // real time then,
	rate    float64       // and how fast its clock runs, 0 when it stands
	leads   bool
	holders []*holder
	flight  []*request
	rates   []float64 // of the holders' clocks
}

func (w *world) clock(i int) time.Time {
	return time.Unix(0, 0).Add(time.Duration(float64(w.real) * w.rates[i]))
}

func (w *world) stamp() time.Duration {
	return w.base + time.Duration(float64(w.real-w.at)*w.rate)
}

// With no reservation at all, whatever the leaders, clocks and delays, no two ever
// believe to hold the name at once, and a name whose holder is silent is free in
// the end.
func TestNeverTwoHolders(t *testing.T) {
	owners := []peer.ID{ownerID(t, 1), ownerID(t, 2), ownerID(t, 3)}
	const term = 10 * time.Minute
	rapid.Check(t, func(t *rapid.T) {
		w := &world{state: New()}
		for _, owner := range owners {
			w.holders = append(w.holders, &holder{owner: owner})
			// A holder's clock is off by at most half of what its term leaves.
			w.rates = append(w.rates, 1+float64(rapid.IntRange(-4, 4).Draw(t, "drift"))/1000)
		}
		for range rapid.IntRange(50, 300).Draw(t, "steps") {
			pause := rapid.IntRange(0, 20).Draw(t, "seconds")
			if pause == 20 {
				pause = rapid.IntRange(0, 600).Draw(t, "many seconds")
			}
			w.real += time.Duration(pause) * time.Second
			switch rapid.IntRange(0, 12).Draw(t, "event") {
			case 0: // another leader, or none
				w.term++
				w.leads = rapid.IntRange(0, 3).Draw(t, "leads") > 0
				w.base, w.at = w.state.Now(), w.real
				w.rate = 1 + float64(rapid.IntRange(-4, 4).Draw(t, "leader's drift"))/1000
				if rapid.IntRange(0, 4).Draw(t, "stands") == 0 {
					w.rate = 0
				}
			case 1, 2, 3: // a holder asks
				i := rapid.IntRange(0, len(w.holders)-1).Draw(t, "holder")
				w.ask(i, rapid.IntRange(0, 4).Draw(t, "what"), term)
			case 4, 5, 6, 7, 8: // a request arrives, whenever it was sent
				w.apply(t)
			case 9, 10, 11, 12: // an answer arrives, or never
				w.answer(t, term)
			}
			w.checkBeliefs(t)
		}
		w.term, w.leads, w.rate = w.term+1, true, 1
		w.base, w.at = w.state.Now(), w.real
		w.real += term
		if w.state.Apply(w.stamp(), Tick{}); w.state.Len() != 0 {
			t.Fatal("the name stays held without a renewal")
		}
	})
}

func (w *world) ask(i, what int, term time.Duration) {
	if len(w.flight) > 6 { // the oldest is lost
		w.flight = w.flight[1:]
	}
	h := w.holders[i]
	if what == 1 && h.given {
		return // see Removal
	}
	r := &request{holder: i, sent: w.clock(i)}
	switch what {
	case 0:
		h.seq++
		h.given = true
		r.command = Removal{"name", h.owner, h.seq}
		// Of what was asked before, no answer counts any more.
		w.flight = slices.DeleteFunc(w.flight, func(old *request) bool { return old.holder == i && old.outcome != 0 })
		for _, old := range w.flight {
			if old.holder == i {
				old.holder = -1
			}
		}
	case 1:
		r.command = Renew{term, 0, []Renewal{{"name", h.owner}}}
	default:
		h.seq++
		r.command = Claim{Key: "name", Skeleton: "name", Name: "name", Owner: h.owner, Seq: h.seq, MaxPerOwner: 9, MaxNames: 9, Term: term}
	}
	w.flight = append(w.flight, r)
}

func (w *world) apply(t *rapid.T) {
	if !w.leads || len(w.flight) == 0 {
		return
	}
	r := w.flight[rapid.IntRange(0, len(w.flight)-1).Draw(t, "request")]
	outcome, _ := w.state.Apply(w.stamp(), r.command)
	if r.outcome == 0 { // else it was sent twice
		r.outcome = outcome.Kind
		if len(outcome.Lost) > 0 {
			r.outcome = NotRegistered
		}
	}
	if err := w.state.check(); err != nil {
		t.Fatal(err)
	}
}

func (w *world) answer(t *rapid.T, term time.Duration) {
	var done []int
	for i, r := range w.flight {
		if r.outcome != 0 {
			done = append(done, i)
		}
	}
	if len(done) == 0 {
		return
	}
	at := rapid.SampledFrom(done).Draw(t, "answer")
	r := w.flight[at]
	w.flight = slices.Delete(w.flight, at, at+1)
	if r.holder < 0 || r.outcome != Granted && r.outcome != Renewed {
		return
	}
	h := w.holders[r.holder]
	h.given = false
	if h.term.Span == 0 || h.term.Began.Before(r.sent) {
		h.term = Term{Began: r.sent, Span: term}
	}
}

func (w *world) checkBeliefs(t *rapid.T) {
	var sure []string
	for i, h := range w.holders {
		if !h.given && h.term.Left(w.clock(i)) > 0 {
			sure = append(sure, fmt.Sprint(i))
		}
	}
	if len(sure) > 1 {
		t.Fatalf("%v are sure to hold the name", sure)
	}
}
