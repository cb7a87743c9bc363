package main

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/examples/internal/programtest"
	"github.com/grapevine-p2p/grapevine/p2p"
)

func newNode(t *testing.T, seeds ...peer.AddrInfo) *p2p.Node {
	t.Helper()
	node, err := p2p.New(p2p.WithListenAddrs(programtest.Loopback))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := node.Join(t.Context(), seeds...); err != nil {
		t.Fatal(err)
	}
	return node
}

func addrOf(node *p2p.Node) string {
	info := node.AddrInfo()
	return info.Addrs[0].String() + "/p2p/" + info.ID.String()
}

// quietly shows no progress.
func quietly(int64) (io.Writer, func()) { return io.Discard, func() {} }

func newLibrary(t *testing.T, folder string, g *group, self peer.ID) *library {
	t.Helper()
	l, err := openLibrary(folder, t.TempDir(), g, self, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	refresh(t, l)
	return l
}

func refresh(t *testing.T, l *library) (changed bool) {
	t.Helper()
	changed, err := l.refresh(t.Context(), quietly, func() {})
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

// hold shares a folder from a node, and answers requests through what wrap makes of the
// true handler.
func hold(t *testing.T, node *p2p.Node, folder string, g *group, wrap func(http.Handler) http.Handler) *library {
	t.Helper()
	l := newLibrary(t, folder, g, node.ID())
	stop := node.Share(l)
	listener, err := node.Listen(service)
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Server{Handler: wrap(newServer(l).handler())}
	ended := make(chan error)
	go func() { ended <- web.Serve(listener) }()
	t.Cleanup(func() {
		stop()
		_ = web.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return l
}

func honest(h http.Handler) http.Handler { return h }

// onlyOnce is a thing that happens.
type happening struct {
	once sync.Once
	c    chan struct{}
}

func newHappening() *happening { return &happening{c: make(chan struct{})} }

func (h *happening) happen() { h.once.Do(func() { close(h.c) }) }

// after lets requests for whole ranges wait until something has happened.
func after(what *happening) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("length") == fmt.Sprint(maxRange) {
				select {
				case <-what.c:
				case <-r.Context().Done():
				}
			}
			h.ServeHTTP(w, r)
		})
	}
}

// twoHolders makes two nodes that have the same file.
func twoHolders(t *testing.T, data []byte, one, two func(http.Handler) http.Handler) (a, b *p2p.Node, id string) {
	t.Helper()
	folder := t.TempDir()
	write(t, filepath.Join(folder, "the film.mkv"), data)
	a = newNode(t)
	b = newNode(t, a.AddrInfo())
	l := hold(t, a, folder, nil, one)
	hold(t, b, folder, nil, two)
	return a, b, l.current.Load().files[0].id.String()
}

// fetch runs "share get" to its end.
func fetch(t *testing.T, to string, node *p2p.Node, id string) (all []programtest.Event, ok bool) {
	t.Helper()
	return programtest.Events(t, []string{"begun", "dropped", "got", "error"}, "get", id, "--to", to, "--data", t.TempDir(), "--peer", addrOf(node))
}

func TestTwoHoldersShareTheLoad(t *testing.T) {
	// Neither sends a range before the other was asked for one.
	asked := []*happening{newHappening(), newHappening()}
	side := func(own, other *happening) func(http.Handler) http.Handler {
		return func(h http.Handler) http.Handler {
			waiting := after(other)(h)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("length") == fmt.Sprint(maxRange) {
					own.happen()
				}
				waiting.ServeHTTP(w, r)
			})
		}
	}
	data := noise(12<<20, "load")
	a, b, id := twoHolders(t, data, side(asked[0], asked[1]), side(asked[1], asked[0]))
	to := t.TempDir()
	all, ok := fetch(t, to, a, id)
	if !ok {
		t.Fatal(all)
	}
	from := all[len(all)-1]["from"].(map[string]any)
	if len(from) != 2 || from[a.ID().String()] == 0.0 || from[b.ID().String()] == 0.0 {
		t.Errorf("the load was %v", from)
	}
	same(t, filepath.Join(to, "the film.mkv"), data)
}

// A holder that sends other bytes is dropped; none of them reaches the file.
func TestHolderThatLies(t *testing.T) {
	lied := newHappening()
	liar := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("length") != fmt.Sprint(maxRange) {
				h.ServeHTTP(w, r) // it proves the size and waits for its chance
				return
			}
			h.ServeHTTP(&flipped{w}, r)
			lied.happen()
		})
	}
	data := noise(8<<20, "truth")
	a, b, id := twoHolders(t, data, liar, after(lied))
	to := t.TempDir()
	all, ok := fetch(t, to, a, id)
	if !ok || all[1]["event"] != "dropped" || all[1]["holder"] != a.ID().String() || !strings.Contains(fmt.Sprint(all[1]["error"]), errDamaged.Error()) {
		t.Fatalf("%v, %v", ok, all)
	}
	if from := all[len(all)-1]["from"].(map[string]any); len(from) != 1 || from[b.ID().String()] != float64(len(data)) {
		t.Errorf("bytes from %v", from)
	}
	same(t, filepath.Join(to, "the film.mkv"), data)
}

// flipped changes one bit of an answer.
type flipped struct{ http.ResponseWriter }

func (f *flipped) Write(p []byte) (int, error) {
	p = append([]byte(nil), p...)
	p[len(p)/2] ^= 1
	return f.ResponseWriter.Write(p)
}

// A holder that dies half way costs nothing of what it gave.
func TestHolderThatDies(t *testing.T) {
	died := newHappening()
	var given atomic.Int32
	mortal := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("length") == fmt.Sprint(maxRange) && given.Add(1) > 5 {
				died.happen()
				panic(http.ErrAbortHandler)
			}
			h.ServeHTTP(w, r)
		})
	}
	data := noise(12<<20, "mortal")
	a, b, id := twoHolders(t, data, mortal, after(died))
	to := t.TempDir()
	all, ok := fetch(t, to, a, id)
	if !ok || all[1]["event"] != "dropped" || all[1]["holder"] != a.ID().String() {
		t.Fatalf("%v, %v", ok, all)
	}
	from := all[len(all)-1]["from"].(map[string]any)
	if n, _ := from[a.ID().String()].(float64); n < 4<<20 || from[b.ID().String()] == 0.0 {
		t.Errorf("bytes from %v", from)
	}
	same(t, filepath.Join(to, "the film.mkv"), data)
}

// A download that is killed goes on where it was, from another holder.
func TestKilledAndResumed(t *testing.T) {
	const size, given = 40 << 20, 20
	folder := t.TempDir()
	data := noise(size, "long")
	write(t, filepath.Join(folder, "long.iso"), data)
	var asked atomic.Int32
	stingy := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("length") == fmt.Sprint(maxRange) && asked.Add(1) > given {
				<-r.Context().Done()
				return
			}
			h.ServeHTTP(w, r)
		})
	}
	a := newNode(t)
	id := hold(t, a, folder, nil, stingy).current.Load().files[0].id.String()
	to, keep := t.TempDir(), t.TempDir()
	r := programtest.Start(t, "get", id, "--to", to, "--data", keep, "--peer", addrOf(a))
	r.Wait("progress", func(e programtest.Event) bool { return e["have"].(float64) >= saveRanges<<20 })
	r.Kill()
	if _, err := os.Stat(filepath.Join(to, "long.iso")); err == nil {
		t.Fatal("half a file has the name of the whole")
	}

	asked.Store(given) // it gives nothing any more
	var second atomic.Int32
	b := newNode(t, a.AddrInfo())
	hold(t, b, folder, nil, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			second.Add(1)
			h.ServeHTTP(w, r)
		})
	})
	all, ok := fetch(t, to, b, id)
	if !ok {
		t.Fatal(all)
	}
	got := all[len(all)-1]
	if got["resumed"].(float64) < saveRanges<<20 {
		t.Errorf("resumed %v", got)
	}
	if most := int32(size/maxRange - saveRanges + 1); second.Load() > most {
		t.Errorf("asked for %d ranges, at most %d were missing", second.Load(), most)
	}
	same(t, filepath.Join(to, "long.iso"), data)
	if left, _ := filepath.Glob(filepath.Join(to, "*"+partSuffix+"*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// When no true holder is left, what came is kept and told, and nothing has the file's
// name.
func TestOnlyALiar(t *testing.T) {
	folder, to := t.TempDir(), t.TempDir()
	write(t, filepath.Join(folder, "film"), noise(3<<20, "x"))
	a := newNode(t)
	var asked atomic.Int32
	id := hold(t, a, folder, nil, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) > 2 {
				w = &flipped{w}
			}
			h.ServeHTTP(w, r)
		})
	}).current.Load().files[0].id.String()
	all, ok := programtest.Events(t, []string{"kept", "error"}, "get", id, "--to", to, "--data", t.TempDir(), "--timeout=500ms", "--peer", addrOf(a))
	if ok || len(all) != 2 || all[0]["event"] != "kept" || !strings.Contains(fmt.Sprint(all[1]["error"]), errNoHolders.Error()) {
		t.Errorf("%v, %v", ok, all)
	}
	if exists(filepath.Join(to, "film")) {
		t.Error("there is a file")
	}
}

// tricky is an index with a name that its holder made up.
type tricky struct{ item p2p.Item }

func (x tricky) Match(p2p.Query) []p2p.Item   { return []p2p.Item{x.item} }
func (x tricky) Entries() iter.Seq[p2p.Entry] { return p2p.Items{x.item}.Entries() }

// A name from the network leads nowhere but into the folder that was chosen, and does
// nothing to the terminal.
func TestNameTricks(t *testing.T) {
	folder := t.TempDir()
	data := []byte("what is in it")
	write(t, filepath.Join(folder, "x"), data)
	a := newNode(t)
	l := hold(t, a, folder, nil, honest)
	item := l.current.Load().files[0].item
	l.current.Store(&catalogue{byKey: l.current.Load().byKey, files: l.current.Load().files}) // found by the trick alone
	item.Name = "../../\x1b[2J\u202eevil/..\\..\\.bash\u202erc"
	defer a.Share(tricky{item})()
	above := t.TempDir()
	to := filepath.Join(above, "down", "loads")
	if err := os.MkdirAll(to, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := programtest.Command(t, "get", "evil", "--to", to, "--data", t.TempDir(), "--peer", addrOf(a), "--timeout=30s")
	out, err := cmd.CombinedOutput()
	if err != nil || strings.ContainsAny(string(out), "\x1b\u202e") {
		t.Fatalf("%v, %q", err, out)
	}
	same(t, filepath.Join(to, "bashrc"), data)
}
