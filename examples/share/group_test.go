package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"github.com/grapevine-p2p/grapevine/examples/internal/programtest"
	"github.com/grapevine-p2p/grapevine/internal/words"
	"github.com/grapevine-p2p/grapevine/p2p"
)

func someGroup(t *testing.T) *group {
	t.Helper()
	var key [groupKeySize]byte
	rand.Read(key[:])
	g, err := newGroup(key)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// apart keeps a host from one other peer while it is on.
type apart struct {
	off  atomic.Bool
	from atomic.Pointer[peer.ID]
}

func (a *apart) may(id peer.ID) bool {
	from := a.from.Load()
	return a.off.Load() || from == nil || *from != id
}

func (a *apart) InterceptPeerDial(id peer.ID) bool { return a.may(id) }

func (a *apart) InterceptAddrDial(id peer.ID, _ multiaddr.Multiaddr) bool        { return a.may(id) }
func (a *apart) InterceptAccept(network.ConnMultiaddrs) bool                     { return true }
func (a *apart) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }
func (a *apart) InterceptSecured(_ network.Direction, id peer.ID, _ network.ConnMultiaddrs) bool {
	return a.may(id)
}

// line makes three nodes of which the first and the last meet nobody but the middle,
// until together is called.
func line(t *testing.T) (first, middle, last *p2p.Node, together func()) {
	t.Helper()
	gate := [2]*apart{new(apart), new(apart)}
	node := func(opts ...libp2p.Option) *p2p.Node {
		h, err := libp2p.New(append(opts, libp2p.ListenAddrStrings(programtest.Loopback), libp2p.DisableRelay(), libp2p.DisableMetrics())...)
		if err != nil {
			t.Fatal(err)
		}
		n, err := p2p.New(p2p.WithHost(h))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := errors.Join(n.Close(), h.Close()); err != nil {
				t.Error(err)
			}
		})
		return n
	}
	first, middle, last = node(libp2p.ConnectionGater(gate[0])), node(), node(libp2p.ConnectionGater(gate[1]))
	for i, other := range []*p2p.Node{last, first} {
		id := other.ID()
		gate[i].from.Store(&id)
	}
	for _, n := range []*p2p.Node{first, last} {
		if _, err := n.Join(t.Context(), middle.AddrInfo()); err != nil {
			t.Fatal(err)
		}
	}
	return first, middle, last, func() { gate[0].off.Store(true); gate[1].off.Store(true) }
}

// overhearing is an index that has nothing and keeps all that it is asked.
type overhearing struct {
	mu      sync.Mutex
	queries []p2p.Query
}

func (o *overhearing) Match(q p2p.Query) []p2p.Item {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queries = append(o.queries, q)
	return nil
}

// Entries tells of nothing.
func (o *overhearing) Entries() iter.Seq[p2p.Entry] { return func(func(p2p.Entry) bool) {} }

func (o *overhearing) heard() []p2p.Query {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]p2p.Query(nil), o.queries...)
}

func ask1(t *testing.T, n *p2p.Node, q p2p.Query) (hits []p2p.Hit) {
	t.Helper()
	for hit, err := range n.Query(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		hits = append(hits, hit)
	}
	return hits
}

// A stranger between two members carries their query and their hit, and can do nothing
// else with them.
func TestClosedGroup(t *testing.T) {
	const name = "Planos/Canção secreta.txt"
	asker, stranger, holder, together := line(t)
	folder := t.TempDir()
	data := noise(100_000, "secret")
	write(t, filepath.Join(folder, filepath.FromSlash(name)), data)
	g := someGroup(t)
	l := hold(t, holder, folder, g, honest)
	var ear overhearing
	defer stranger.Share(&ear)()

	// A member finds by words, over the stranger.
	hits := ask1(t, asker, p2p.Query{Words: g.ask([]string{"secreta", "CANÇÃO"}), Max: 1, Strategy: p2p.Flood, Timeout: generously})
	if len(hits) != 1 || hits[0].Hops != 2 || hits[0].From.ID != holder.ID() {
		t.Fatalf("the member finds %+v", hits)
	}
	told, err := g.listing(hits[0])
	if err != nil || told.Name != name || told.Size != int64(len(data)) || told.ID != l.current.Load().files[0].id {
		t.Fatalf("the member reads %+v, %v", told, err)
	}

	// The stranger saw no word, and sees in the item no name, no size and no ID.
	asked := ear.heard()
	if len(asked) == 0 {
		t.Fatal("the stranger carried nothing")
	}
	item := hits[0].Item
	for _, seen := range []string{fmt.Sprint(asked), string(item.Key), item.Name, string(item.Data)} {
		for _, clear := range append(words.Split(name), name, string(told.ID[:]), told.ID.String()) {
			if len(clear) > 2 && strings.Contains(words.Fold(seen), words.Fold(clear)) {
				t.Errorf("%q can be read in %q", clear, seen)
			}
		}
	}
	if item.Size != 0 || item.Name != "" {
		t.Errorf("the item tells %+v", item)
	}

	// Asking what he overheard, he gets the item, which is sealed to him.
	replayed := ask1(t, stranger, p2p.Query{Words: asked[0].Words, Max: 1, Strategy: p2p.Flood, Timeout: generously})
	if len(replayed) != 1 {
		t.Fatalf("the replay of %q finds %v", asked[0].Words, replayed)
	}
	if _, err := someGroup(t).listing(replayed[0]); err == nil {
		t.Error("another group reads it")
	}
	// He finds nothing by the clear words or the true ID.
	for _, q := range []p2p.Query{
		{Words: []string{"secreta"}, Strategy: p2p.Flood, Timeout: 500 * time.Millisecond},
		{Key: handle(told.ID).key(), Strategy: p2p.Flood, Timeout: 500 * time.Millisecond},
	} {
		if hits := ask1(t, stranger, q); len(hits) > 0 {
			t.Errorf("%q %q finds %v", q.Key, q.Words, hits)
		}
	}
	// He repeats the item as his own, and is not believed.
	forged := replayed[0]
	forged.From = stranger.AddrInfo()
	if _, err := g.listing(forged); err == nil {
		t.Error("a stranger's hit is believed")
	}

	// He cannot fetch, with the key of the item or with the ID that he may have guessed,
	// with no proof or one of another; a member can.
	together()
	read := func(n *p2p.Node, at handle, proof string) ([]byte, error) {
		h := newHolder(n, holder.AddrInfo(), at, proof, told.Size, patience{generously, generously})
		defer h.close()
		return h.read(t.Context(), 0, told.Size)
	}
	for _, at := range []handle{g.handle(told.ID), handle(told.ID)} {
		for _, proof := range []string{"", someGroup(t).proof(holder.ID(), stranger.ID()), g.proof(holder.ID(), asker.ID())} {
			if slice, err := read(stranger, at, proof); err == nil || !strings.Contains(err.Error(), "404") {
				t.Errorf("with the proof %q the stranger fetches %d bytes, %v", proof, len(slice), err)
			}
		}
	}
	slice, err := read(asker, g.handle(told.ID), g.proof(holder.ID(), asker.ID()))
	if err == nil {
		_, err = checkSlice(told.ID, told.Size, slice, 0, told.Size)
	}
	if err != nil {
		t.Errorf("the member fetches: %v", err)
	}
}

// A proof is of use to one asker at one holder.
func TestProof(t *testing.T) {
	g, folder := someGroup(t), t.TempDir()
	write(t, filepath.Join(folder, "a"), []byte("hello"))
	self, member, stranger := peerID(t), peerID(t), peerID(t)
	l := newLibrary(t, folder, g, self)
	h := newServer(l).handler()
	id := l.current.Load().files[0].id
	for _, c := range []struct {
		what   string
		from   peer.ID
		at     string
		proof  string
		status int
	}{
		{"a member", member, g.handle(id).String(), g.proof(self, member), 200},
		{"the true ID", member, id.String(), g.proof(self, member), 404},
		{"no proof", stranger, g.handle(id).String(), "", 404},
		{"another's proof", stranger, g.handle(id).String(), g.proof(self, member), 404},
		{"for another holder", member, g.handle(id).String(), g.proof(stranger, member), 404},
		{"of another group", member, g.handle(id).String(), someGroup(t).proof(self, member), 404},
		{"turned round", member, g.handle(id).String(), g.proof(member, self), 404},
	} {
		for _, target := range []string{"/files/" + c.at, "/slices/" + c.at + "?offset=0&length=5"} {
			if a := ask(h, c.from, "GET", target, "Authorization", c.proof); a.StatusCode != c.status {
				t.Errorf("%s: %s: %s", c.what, target, a.Status)
			}
		}
	}
}

// Words of a group stay words to those who carry them, and a summary's limits hold.
func TestHiddenWords(t *testing.T) {
	g := someGroup(t)
	for _, clear := range []string{"a", "canção", strings.Repeat("x", words.Max), "東"} {
		hidden := g.hide([]string{clear})[0]
		if again := words.Split(hidden); len(again) != 1 || again[0] != hidden || len(hidden) > words.Max {
			t.Errorf("%q becomes %q, which is carried as %q", clear, hidden, again)
		}
		if other := someGroup(t).hide([]string{clear})[0]; other == hidden {
			t.Error("two groups have the same word")
		}
		if _, err := hex.DecodeString(hidden); err != nil {
			t.Error(err)
		}
	}
	long := g.item(listing{Name: strings.Repeat("x", maxName)}, "h")
	short := g.item(listing{}, "h")
	if len(long.Data) != len(short.Data) || len(long.Data) > 1<<10 {
		t.Errorf("sealed names have %d and %d bytes", len(long.Data), len(short.Data))
	}
}

// The story of a group as its members live it.
func TestGroupStory(t *testing.T) {
	folder, to := t.TempDir(), t.TempDir()
	write(t, filepath.Join(folder, "minutes of May.txt"), []byte("secret"))
	key := filepath.Join(t.TempDir(), "key")
	if _, ok := programtest.Events(t, nil, "group", "new", key); !ok {
		t.Fatal("no key made")
	}
	s := serve(t, folder, "--group", key)
	with := func(args ...string) []string { return append(args, "--data", t.TempDir(), "--peer", s.addr) }
	found, ok := programtest.Events(t, []string{"file"}, with("search", "MAY", "minutes", "--max=1", "--group", key)...)
	if !ok || len(found) != 1 || found[0]["name"] != "minutes of May.txt" {
		t.Fatalf("%v, %v", ok, found)
	}
	if got, ok := programtest.Events(t, []string{"got"}, with("get", found[0]["id"].(string), "--to", to, "--group", key)...); !ok {
		t.Fatal(got)
	}
	same(t, filepath.Join(to, "minutes of May.txt"), []byte("secret"))
	if found, ok := programtest.Events(t, []string{"file"}, with("search", "minutes", "--timeout=500ms")...); ok {
		t.Errorf("without the key: %v", found)
	}
}

// A hit can hold anything.
func FuzzListing(f *testing.F) {
	key := [groupKeySize]byte{1}
	g, err := newGroup(key)
	if err != nil {
		f.Fatal(err)
	}
	good := g.item(listing{ID: contentID{2}, Name: "n", Size: 3}, "holder")
	f.Add(string(good.Key), good.Name, good.Size, good.Data)
	f.Add("share:", "", int64(-1), []byte(nil))
	f.Fuzz(func(t *testing.T, key, name string, size int64, data []byte) {
		hit := p2p.Hit{Item: p2p.Item{Key: p2p.Key(key), Name: name, Size: size, Data: data}, From: peerInfo("holder")}
		for _, g := range []*group{nil, g} {
			if l, err := g.listing(hit); err == nil && (l.Size < 0 || l.Size > maxFile || g.handle(l.ID).key() != p2p.Key(key)) {
				t.Errorf("%+v", l)
			}
		}
	})
}
