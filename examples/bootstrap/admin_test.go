package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/bootstrap"
	"github.com/grapevine-p2p/grapevine/examples/internal/program"
	"github.com/grapevine-p2p/grapevine/internal/datadir"
)

const (
	idA   = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"
	idB   = "12D3KooWHHzSeKaY8xuZVzkLbKFfvNgPPeKhFBGrMbNzbm5akpqu"
	addrA = "/ip4/127.0.0.1/tcp/4001/p2p/" + idA
	addrB = "/ip4/127.0.0.1/tcp/4002/p2p/" + idB
)

// scripted are servers that do as a test says.
type scripted struct {
	mu      sync.Mutex
	members []bootstrap.Member
	late    []bootstrap.Member // come to be known when all are asked
	add     func(ctx context.Context, s *scripted) error
}

var _ servers = (*scripted)(nil)

func (s *scripted) AddServer(ctx context.Context, _ peer.AddrInfo) error { return s.add(ctx, s) }

func (s *scripted) RemoveServer(context.Context, peer.ID) error { return bootstrap.ErrNoMajority }

func (s *scripted) Members() []bootstrap.Member {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.members
}

func (s *scripted) MembersNow(context.Context) []bootstrap.Member {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members, s.late = append(s.members, s.late...), nil
	return s.members
}

func (s *scripted) set(members ...bootstrap.Member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members = members
}

func contact(t *testing.T, addr string) peer.AddrInfo {
	t.Helper()
	infos, err := program.ParsePeers([]string{addr})
	if err != nil {
		t.Fatal(err)
	}
	return infos[0]
}

// answering opens a data folder and answers commands in it.
func answering(t *testing.T, root string, s *scripted) *cli {
	t.Helper()
	data, err := datadir.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	o := &operator{servers: s, self: contact(t, addrA).ID, addr: addrA}
	admin, err := serveAdmin(ctx, data.Path(datadir.Server), o, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(admin.close(), data.Close()); err != nil {
			t.Error(err)
		}
		if left, err := filepath.Glob(filepath.Join(root, "server", "admin*")); err != nil || len(left) > 0 {
			t.Errorf("left behind: %q, %v", left, err)
		}
	})
	return &cli{Base: program.Base{Data: root}}
}

func TestProgressOfAdding(t *testing.T) {
	a := bootstrap.Member{Peer: contact(t, addrA), Voter: true, Leader: true, Reachable: true}
	b := bootstrap.Member{Peer: contact(t, addrB), Reachable: true, Behind: 7}
	next := make(chan struct{})
	s := &scripted{members: []bootstrap.Member{a}, add: func(_ context.Context, s *scripted) error {
		s.set(a, b)
		<-next
		b.Behind = 3
		s.set(a, b)
		<-next
		b.Behind, b.Voter = 0, true
		s.set(a, b)
		return nil
	}}
	c := answering(t, t.TempDir(), s)
	var seen []progress
	err := c.change(bounded(t), "POST", "/members", map[string]string{"addr": addrB}, func(p progress) {
		seen = append(seen, p)
		if p.Admitted {
			if busy := c.change(bounded(t), "DELETE", "/members/"+idB, nil, func(progress) {}); busy == nil || !strings.Contains(busy.Error(), "under way") {
				t.Errorf("two changes at once: %v", busy)
			}
			next <- struct{}{}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []progress{{}, {Admitted: true, Behind: 7}, {Admitted: true, Behind: 3}}
	if len(seen) != len(want) || seen[1] != want[1] || seen[2] != want[2] {
		t.Errorf("%+v, want %+v", seen, want)
	}
	if s, err := c.status(bounded(t)); err != nil || len(s.Members) != 2 || s.Members[1].Addrs[0] != addrB || s.Self.String() != idA {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestRefusedChanges(t *testing.T) {
	a := bootstrap.Member{Peer: contact(t, addrA), Voter: true, Reachable: true}
	s := &scripted{late: []bootstrap.Member{a}, add: func(context.Context, *scripted) error { return context.DeadlineExceeded }}
	c := answering(t, t.TempDir(), s)
	for _, tt := range []struct {
		method, path, addr, say string
	}{
		{"POST", "/members", addrB, "it has to run with a new data folder, --federation"},
		{"POST", "/members", "here", `"here" is not a multiaddr`},
		{"DELETE", "/members/" + idA, "", "start the servers that are down"},
		{"DELETE", "/members/" + idB, "", "is no server of this federation"},
		{"DELETE", "/members/x", "", `"x" is no peer ID`},
		{"GET", "/peers", "", "404"},
	} {
		err := c.change(bounded(t), tt.method, tt.path, map[string]string{"addr": tt.addr}, func(progress) {})
		if err == nil || !strings.Contains(err.Error(), tt.say) {
			t.Errorf("%s %s: %v, want %q", tt.method, tt.path, err, tt.say)
		}
	}
}

// Without a majority nothing is wrong with the server that is to be added.
func TestNoMajorityToAdd(t *testing.T) {
	s := &scripted{add: func(context.Context, *scripted) error { return bootstrap.ErrNoMajority }}
	c := answering(t, t.TempDir(), s)
	err := c.change(bounded(t), "POST", "/members", map[string]string{"addr": addrB}, func(progress) {})
	if err == nil || !strings.Contains(err.Error(), "start the servers that are down") || strings.Contains(err.Error(), "it has to run") {
		t.Errorf("%v", err)
	}
}

// What peers are to be given may be another address than was typed, or one that the new
// server does not know: a name, or that of a router.
func TestAddressOfAnAddedServer(t *testing.T) {
	b := contact(t, addrB)
	s := status{Members: []member{{ID: b.ID, Addrs: []string{addrB}}}}
	other := strings.Replace(addrB, "/4002/", "/4009/", 1)
	for _, c := range []struct {
		typed string
		s     status
		want  string
	}{
		{addrB, s, addrB},
		{other, s, other + "\n  (the server itself says: " + addrB + ")"},
		{other, status{}, other},
	} {
		if got := (&addCmd{Addr: c.typed}).reachedAt(c.s); got != c.want {
			t.Errorf("%q for %s", got, c.typed)
		}
	}
}

// A server that waits adds no other, and says so before it asks anybody.
func TestAddAtAServerThatWaits(t *testing.T) {
	c := answering(t, t.TempDir(), &scripted{})
	err := (&addCmd{Addr: addrB}).Run(bounded(t), c, nil)
	if err == nil || !strings.Contains(err.Error(), "this server waits to be admitted itself") {
		t.Errorf("%v", err)
	}
}

// Who waits for a change and leaves ends it.
func TestChangeEndsWithItsAsker(t *testing.T) {
	ended := make(chan struct{})
	s := &scripted{add: func(ctx context.Context, _ *scripted) error {
		<-ctx.Done()
		close(ended)
		return ctx.Err()
	}}
	c := answering(t, t.TempDir(), s)
	ctx, cancel := context.WithCancel(bounded(t))
	err := c.change(ctx, "POST", "/members", map[string]string{"addr": addrB}, func(progress) { cancel() })
	if err == nil {
		t.Error("a change that was left is made")
	}
	select {
	case <-ended:
	case <-bounded(t).Done():
		t.Error("the change goes on")
	}
}

// The socket is its owner's alone, wherever it is.
func TestSocket(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes")
	}
	deep := filepath.Join(t.TempDir(), strings.Repeat("deep/", 30))
	for _, root := range []string{t.TempDir(), deep} {
		c := answering(t, root, &scripted{})
		path, err := socketOf(filepath.Join(root, "server"))
		if err != nil {
			t.Fatal(err)
		}
		if apart := filepath.Dir(path) != filepath.Join(root, "server"); apart != (root == deep) {
			t.Errorf("the socket of %q is %q", root, path)
		}
		for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
			if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: %v, %v", name, info.Mode(), err)
			}
		}
		if _, err := c.status(bounded(t)); err != nil {
			t.Error(err)
		}
	}
}

// A killed server leaves its socket, and the next one takes the place.
func TestStaleSocket(t *testing.T) {
	for _, root := range []string{t.TempDir(), filepath.Join(t.TempDir(), strings.Repeat("deep/", 30))} {
		data, err := datadir.Open(root)
		if err != nil {
			t.Fatal(err)
		}
		left, err := listenSocket(data.Path(datadir.Server))
		if err != nil {
			t.Fatal(err)
		}
		unix, ok := left.Listener.(*net.UnixListener)
		if !ok {
			t.Fatalf("%T", left.Listener)
		}
		unix.SetUnlinkOnClose(false)
		stale := unix.Addr().String()
		if err := errors.Join(unix.Close(), data.Close()); err != nil {
			t.Fatal(err)
		}
		c := &cli{Base: program.Base{Data: root}}
		if _, err := c.status(bounded(t)); err == nil || !strings.Contains(err.Error(), "no server runs with") {
			t.Errorf("without a server: %v", err)
		}
		c = answering(t, root, &scripted{})
		if _, err := c.status(bounded(t)); err != nil {
			t.Error(err)
		}
		if path, _ := socketOf(data.Path(datadir.Server)); path != stale {
			if _, err := os.Stat(stale); err == nil {
				t.Errorf("%q is left behind", stale)
			}
		}
	}
}

func TestServerByTheEndOfItsID(t *testing.T) {
	a, b := bootstrap.Member{Peer: contact(t, addrA)}, bootstrap.Member{Peer: contact(t, addrB)}
	back := b // a server that is taken back is there twice
	back.Voter = true
	c := answering(t, t.TempDir(), &scripted{members: []bootstrap.Member{a, b, back}})
	for _, typed := range []string{idB, "…bm5akpqu", "bm5akpqu"} {
		r := &removeCmd{Peer: typed}
		if id, err := r.find(bounded(t), c); r.Validate() != nil || err != nil || id != b.Peer.ID {
			t.Errorf("%q is %s, %v", typed, id, err)
		}
	}
	r := &removeCmd{Peer: "…absentee"}
	if id, err := r.find(bounded(t), c); err == nil || !strings.Contains(err.Error(), `no server of this federation has a peer ID that ends in "absentee"`) {
		t.Errorf("%q is %s, %v", r.Peer, id, err)
	}
}

func TestNoServer(t *testing.T) {
	c := &cli{Base: program.Base{Data: filepath.Join(t.TempDir(), "none")}}
	if _, err := c.status(bounded(t)); err == nil || !strings.Contains(err.Error(), "is no data folder of a server") {
		t.Errorf("no folder: %v", err)
	}
	if _, err := os.Stat(c.Data); err == nil {
		t.Error("a folder was made")
	}
}

func TestStatusInWords(t *testing.T) {
	a, b := contact(t, addrA).ID, contact(t, addrB).ID
	for _, tt := range []struct {
		members []member
		say     []string
	}{
		{nil, []string{"waits to be admitted", "bootstrap federation add " + addrA}},
		{[]member{{ID: a, Voter: true, Leader: true, Answers: true}}, []string{"leads, this one", "1 of 1 votes answer, 1 needed: names are granted"}},
		{
			[]member{{ID: a, Voter: true, Leader: true, Answers: true}, {ID: b, Answers: true, Behind: 7}},
			[]string{"…bm5akpqu  answers", "not yet  7", "1 of 1 votes"},
		},
		{
			[]member{{ID: a, Voter: true, Answers: true}, {ID: b, Voter: true, Behind: 7}},
			[]string{"…bm5akpqu  silent", "yes   ?", "1 of 2 votes answer, 2 needed: no name is granted"},
		},
		{
			[]member{{ID: a, Voter: true, Leader: true, Answers: true}, {ID: b, Voter: true, Answers: true, Addrs: []string{addrB}}},
			[]string{"  /ip4/127.0.0.1/tcp/4002\n", "names are granted, until one more is lost"},
		},
		{
			[]member{{ID: a, Voter: true, Answers: true}, {ID: b, Voter: true, Leader: true}, {ID: "c", Voter: true, Answers: true}},
			[]string{"…bm5akpqu  silent", "2 of 3 votes answer, 2 needed: no name is granted until one leads"},
		},
	} {
		text := status{Self: a, Addr: addrA, Members: tt.members}.String()
		for _, say := range tt.say {
			if !strings.Contains(text, say) {
				t.Errorf("%q is not said:\n%s", say, text)
			}
		}
	}
}

func TestSpan(t *testing.T) {
	for text, want := range map[string]span{"7d": span(7 * day), "0d": 0, "0": 0, "12h": span(day / 2), "90m": span(day / 16)} {
		var s span
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%s: %v, %v", text, s, err)
		}
	}
	for _, text := range []string{"", "d", "7", "-1d", "-1h", "4000d", "1.5d", "99999999999999999999d"} {
		if err := new(span).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	if span(0).duration() >= 0 || span(day).duration() != day {
		t.Error("none is not below zero, or a day is not a day")
	}
}
