package chat

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/grapevine-p2p/grapevine/internal/durable"
	"github.com/grapevine-p2p/grapevine/internal/durable/durabletest"
	"github.com/grapevine-p2p/grapevine/p2p/p2ptest"
)

var errDisk = errors.New("disk on fire")

func lines(t *testing.T, c *Conversation) (out []string) {
	t.Helper()
	for m, err := range c.History() {
		if err != nil {
			t.Fatal(err)
		}
		mark := ""
		if m.Delivered {
			mark = " ✓"
		}
		out = append(out, m.Text+mark)
	}
	return out
}

func TestHistorySurvivesARestart(t *testing.T) {
	nodes := p2ptest.New(t, 2).Nodes
	folders := []string{t.TempDir(), t.TempDir()}
	var want []string
	for round := range 3 {
		alice := newService(t, nodes[0], folders[0])
		bob := newService(t, nodes[1], folders[1])
		bobs := watch(t, bob)
		toBob := open(t, alice, nodes[1].ID().String())
		toAlice := bobs.next(Incoming).Conversation
		o := send(t, toBob, "question")
		delivered(t, o)
		if o.Seq() != uint64(round+1) {
			t.Errorf("round %d: number %d", round, o.Seq())
		}
		delivered(t, send(t, toAlice, "answer"))
		if got := read(t, toBob, 1); got[0] != "answer" {
			t.Errorf("round %d: %q", round, got)
		}
		want = append(want, "question ✓", "answer")
		if got := lines(t, toBob); !slices.Equal(got, want) {
			t.Errorf("round %d: alice's history is %q, want %q", round, got, want)
		}
		if got := lines(t, toAlice); len(got) != len(want) {
			t.Errorf("round %d: bob's history is %q", round, got)
		}
		for _, s := range []*Service{alice, bob} {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestWhatWaitsSurvivesARestart(t *testing.T) {
	nodes := p2ptest.New(t, 2).Nodes
	folders := []string{t.TempDir(), t.TempDir()}
	alice := newService(t, nodes[0], folders[0])
	bob := newService(t, nodes[1], folders[1])
	toBob := open(t, alice, nodes[1].ID().String())
	delivered(t, send(t, toBob, "one"))
	if err := bob.Close(); err != nil {
		t.Fatal(err)
	}
	send(t, toBob, "two")
	send(t, toBob, "three")
	if err := alice.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := toBob.history.ready(); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed history is opened again: %v", err)
	}
	alice = newService(t, nodes[0], folders[0])
	alices := watch(t, alice)
	bob = newService(t, nodes[1], folders[1])
	toAlice := open(t, bob, nodes[0].ID().String())
	if got := read(t, toAlice, 2); got[0] != "two" || got[1] != "three" {
		t.Errorf("bob read %q", got)
	}
	toBob = alices.next(Incoming).Conversation
	delivered(t, send(t, toBob, "four"))
	if got, want := lines(t, toBob), []string{"one ✓", "two ✓", "three ✓", "four ✓"}; !slices.Equal(got, want) {
		t.Errorf("alice's history is %q, want %q", got, want)
	}
	if got, want := lines(t, toAlice), []string{"one", "two", "three", "four"}; !slices.Equal(got, want) {
		t.Errorf("bob's history is %q, want %q", got, want)
	}
}

func TestNoAcknowledgementWithoutDisk(t *testing.T) {
	nodes := p2ptest.New(t, 2).Nodes
	var failing atomic.Bool
	fsys := durabletest.Wrap(durable.OS{}, func(op durabletest.Op) error {
		if failing.Load() && op.Kind == "Sync" && strings.HasSuffix(op.Name, ".log") {
			return errDisk
		}
		return nil
	})
	alice := newService(t, nodes[0], "")
	bob := newService(t, nodes[1], t.TempDir(), withFS(fsys))
	bobs := watch(t, bob)
	toBob := open(t, alice, nodes[1].ID().String())
	toAlice := bobs.next(Incoming).Conversation
	delivered(t, send(t, toBob, "kept"))

	failing.Store(true)
	o := send(t, toBob, "not kept")
	if err := o.Wait(soon(t), Delivered); !errors.Is(err, ErrDisconnected) {
		t.Errorf("without a disk: %v", err)
	}
	if ev := bobs.next(Disconnected); !errors.Is(ev.Err, errDisk) {
		t.Errorf("bob was told %v", ev.Err)
	}
	if o.State() == Delivered {
		t.Error("acknowledged")
	}
	if _, err := toAlice.Send(t.Context(), "mine"); !errors.Is(err, errDisk) {
		t.Errorf("bob's own text: %v", err)
	}

	failing.Store(false) // space again
	for o.Wait(soon(t), Delivered) != nil {
		if _, err := alice.Open(soon(t), nodes[1].ID().String()); err != nil && !errors.Is(err, ErrRefused) {
			t.Fatal(err)
		}
	}
	if got := read(t, toAlice, 2); got[0] != "kept" || got[1] != "not kept" {
		t.Errorf("bob read %q", got)
	}
	if got := lines(t, toAlice); !slices.Contains(got, "not kept") || strings.Count(strings.Join(got, "\n"), "not kept") != 1 {
		t.Errorf("bob's history is %q", got)
	}
}

// Every file operation of starting and of one exchange fails once: an error, a
// refusal or a lost stream, but no acknowledged message is missing afterwards.
func TestEveryFileOperationFails(t *testing.T) {
	nodes := p2ptest.New(t, 2).Nodes
	acknowledged := 0
	for n := 1; ; n++ {
		folder := t.TempDir()
		fsys, count := durabletest.FailAt(durable.OS{}, n, errDisk)
		alice := newService(t, nodes[0], "")
		bob, err := New(nodes[1], folder, withFS(fsys), withTiming(eager()))
		if err != nil {
			if err := alice.Close(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		ok := false
		if c, err := alice.Open(soon(t), nodes[1].ID().String()); err == nil {
			o := send(t, c, "important")
			ok = o.Wait(soon(t), Delivered) == nil
		}
		failed := count() >= n
		_ = bob.Close() // closing may be what fails
		if err := alice.Close(); err != nil {
			t.Fatal(err)
		}
		again := newService(t, nodes[1], folder)
		c, err := again.hold(nodes[0].ID())
		if err != nil {
			t.Fatal(err)
		}
		got := lines(t, c)
		again.release(c)
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
		if ok && !slices.Equal(got, []string{"important"}) {
			t.Fatalf("operation %d failed: acknowledged, but kept is %q", n, got)
		}
		if ok {
			acknowledged++
		}
		if !failed {
			if !ok {
				t.Fatal("not delivered without a fault")
			}
			break
		}
	}
	if acknowledged == 0 {
		t.Error("nothing was ever acknowledged")
	}
}

func TestDamagedContacts(t *testing.T) {
	node := p2ptest.New(t, 1).Nodes[0]
	folder := t.TempDir()
	for _, content := range []string{`{"bob": "12D3`, `null`, ``, `[]`} {
		if err := os.WriteFile(filepath.Join(folder, "contacts.json"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := New(node, folder)
		if err == nil || !strings.Contains(err.Error(), "contacts.json") {
			t.Errorf("%q: %v", content, err)
		}
	}
}
