package federation

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/anishathalye/porcupine"
)

// A server that lost its disk cannot vote against what it once had stored; one that
// keeps its incarnation, as the planted fault does, makes two hold a name, and the
// checker notices.
func TestPlantedIncarnation(t *testing.T) {
	for _, planted := range []bool{false, true} {
		var ops []porcupine.Operation
		synctest.Test(t, func(t *testing.T) { ops = losesDiskInPartition(t, planted) })
		ok := porcupine.CheckOperationsTimeout(nameModel, ops, time.Minute) == porcupine.Ok
		if ok == planted {
			t.Errorf("fault planted: %v; history of %d operations accepted: %v", planted, len(ops), ok)
		}
	}
}

// losesDiskInPartition lets alice claim a name with a majority of a and b, makes b
// lose its disk, and lets bob claim the name with b and c.
func losesDiskInPartition(t *testing.T, keepsIncarnation bool) (ops []porcupine.Operation) {
	net := newMemNet(1)
	a, b, c := newServer(t, 1), newServer(t, 2), newServer(t, 3)
	a.start(t, net)
	b.start(t, net, a)
	c.start(t, net, a)
	for _, s := range []*server{b, c} {
		if err := a.AddServer(t.Context(), s.info()); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	claim := func(s *server, client int) {
		in := opInput{client: client, name: "x", seq: 1, term: keepTerm, call: time.Since(began)}
		request := claimOf(owner(t, client), in.name, in.seq)
		request.Term = in.term
		_, err := s.Claim(context.Background(), request)
		out := opOutput{back: time.Since(began)}
		if err != nil {
			var noMajority *NoMajorityError
			if !errors.As(err, &noMajority) && !errors.Is(err, ErrNotMember) {
				t.Errorf("claim of client %d: %v", client, err)
			}
			out.result, out.back = resUnknown, forever
		}
		ops = append(ops, porcupine.Operation{ClientId: client, Input: in, Call: int64(in.call), Output: out, Return: int64(out.back)})
	}
	cut := func(x, y *server) {
		net.cut(x.id, y.id)
		net.cut(y.id, x.id)
	}
	cut(c, a)
	cut(c, b)
	claim(a, 0)
	if ops[0].Output.(opOutput).result != resOK {
		t.Fatal("the first claim is refused")
	}
	net.kill(b.id)
	b.stop(t)
	lost := b.stores
	b.stores = MemoryStores()
	if keepsIncarnation {
		for _, key := range [][]byte{incarnationKey, federationKey} {
			value, err := lost.stable.Get(key)
			if err != nil {
				t.Fatal(err)
			}
			if err := b.stores.stable.Set(key, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	net.heal()
	cut(a, b)
	cut(a, c)
	b.start(t, net, a, c)
	elapse(10 * time.Second)
	claim(c, 1)
	return ops
}
