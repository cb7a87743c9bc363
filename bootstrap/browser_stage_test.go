//go:build browser

package bootstrap

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
)

// stage is servers with their pages and peers that come and go, as a script in the
// browser asks for it:
//
//	POST /join?name=N     a peer registers; its ID
//	POST /leave?name=N    its host closes at once
//	POST /lookup?name=N   one of the peers looks a name up
//	POST /stop?server=I   a server ends, and its page with it
//	POST /start?server=I  it is back at the same addresses, with its store
type stage struct {
	t       testing.TB
	control *httptest.Server
	servers []*staged

	mu    sync.Mutex // guards what follows
	peers map[string]*Client
	keys  map[string]crypto.PrivKey // a name is its key's, after a leave too
	order []peer.ID                 // of those who joined
}

// staged is a server that can be stopped and started again.
type staged struct {
	t      testing.TB
	key    crypto.PrivKey
	first  []peer.AddrInfo // the server that adds this one
	listen string
	web    string // the page's address
	store  *Store
	server *Server
	http   *http.Server
	done   chan struct{}
}

func newStage(t testing.TB, servers int) *stage {
	t.Helper()
	s := &stage{t: t, peers: make(map[string]*Client), keys: make(map[string]crypto.PrivKey)}
	for range servers {
		key, _, err := crypto.GenerateEd25519Key(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		one := &staged{t: t, key: key, listen: "/ip4/127.0.0.1/tcp/0", web: "127.0.0.1:0", store: MemoryStore()}
		if len(s.servers) > 0 {
			one.first = []peer.AddrInfo{infoOf(s.servers[0].server.Host)}
		}
		if err := one.start(); err != nil {
			t.Fatal(err)
		}
		s.servers = append(s.servers, one)
		t.Cleanup(one.stop)
		if len(one.first) > 0 {
			if err := s.servers[0].server.AddServer(bounded(t), infoOf(one.server.Host)); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.control = httptest.NewServer(s.handler())
	t.Cleanup(s.control.Close)
	return s
}

func (s *staged) start() error {
	h, err := libp2p.New(libp2p.Identity(s.key), libp2p.ListenAddrStrings(s.listen), libp2p.DisableRelay(), libp2p.DisableMetrics())
	if err != nil {
		return err
	}
	s.listen = h.Addrs()[0].String() // the same again
	s.server = &Server{Host: h, Store: s.store, Federation: s.first, Lease: 9 * time.Second, Logger: testLogger(s.t)}
	if err := s.server.Start(s.t.Context()); err != nil {
		return err
	}
	l, err := net.Listen("tcp", s.web)
	if err != nil {
		return err
	}
	s.web = l.Addr().String()
	s.http = &http.Server{Handler: s.server.Handler(), ReadHeaderTimeout: patience, WriteTimeout: time.Second}
	s.done = make(chan struct{})
	go func() {
		defer close(s.done)
		_ = s.http.Serve(l)
	}()
	return nil
}

func (s *staged) stop() {
	if s.http == nil {
		return
	}
	_ = s.http.Close()
	<-s.done
	_ = s.server.Close()
	_ = s.server.Host.Close()
	s.http = nil
}

func (s *stage) infos() []peer.AddrInfo {
	var all []peer.AddrInfo
	for _, one := range s.servers {
		all = append(all, infoOf(one.server.Host))
	}
	return all
}

// join registers a peer that tells of links to the one before it and to one in the
// middle, so that the overlay is a ring with chords.
func (s *stage) join(name string) (peer.ID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys[name] == nil {
		key, _, err := crypto.GenerateEd25519Key(rand.Reader)
		if err != nil {
			return "", err
		}
		s.keys[name] = key
	}
	h := newHost(s.t, libp2p.Identity(s.keys[name]))
	var links []peer.ID
	if n := len(s.order); n > 0 {
		links = append(links, s.order[n-1], s.order[n/2], s.order[n/3])
	}
	c, err := ClientConfig{
		Logger: testLogger(s.t), Agent: "grapevine/0.1", Neighbours: func() []peer.ID { return links },
	}.NewClient(h, s.infos()...)
	if err != nil {
		return "", err
	}
	s.t.Cleanup(func() { _ = c.Close() })
	s.peers[name] = c
	s.order = append(s.order, h.ID())
	_, err = c.Register(s.t.Context(), name)
	return h.ID(), err
}

func (s *stage) leave(name string) error {
	s.mu.Lock()
	c := s.peers[name]
	delete(s.peers, name)
	s.mu.Unlock()
	if c == nil {
		return fmt.Errorf("nobody is %q", name)
	}
	return c.host.Close()
}

func (s *stage) lookup(name string) error {
	s.mu.Lock()
	var c *Client
	for _, c = range s.peers {
		break
	}
	s.mu.Unlock()
	_, err := c.Lookup(s.t.Context(), name)
	return err
}

func (s *stage) handler() http.Handler {
	mux := http.NewServeMux()
	handle := func(path string, do func(r *http.Request) (any, error)) {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			answer, err := do(r)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			_ = json.NewEncoder(w).Encode(answer)
		})
	}
	server := func(r *http.Request) (*staged, error) {
		var i int
		if _, err := fmt.Sscan(r.FormValue("server"), &i); err != nil || i < 0 || i >= len(s.servers) {
			return nil, fmt.Errorf("no server %q", r.FormValue("server"))
		}
		return s.servers[i], nil
	}
	handle("/join", func(r *http.Request) (any, error) { return s.join(r.FormValue("name")) })
	handle("/leave", func(r *http.Request) (any, error) { return nil, s.leave(r.FormValue("name")) })
	handle("/lookup", func(r *http.Request) (any, error) { return nil, s.lookup(r.FormValue("name")) })
	handle("/stop", func(r *http.Request) (any, error) {
		one, err := server(r)
		if err == nil {
			one.stop()
		}
		return nil, err
	})
	handle("/start", func(r *http.Request) (any, error) {
		one, err := server(r)
		if err != nil {
			return nil, err
		}
		return nil, one.start()
	})
	return mux
}

func TestPageInABrowser(t *testing.T) {
	s := newStage(t, 3)
	for _, name := range []string{"alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "<b>mallory</b>"} {
		if _, err := s.join(name); err != nil {
			t.Fatal(err)
		}
	}
	out := inNode(t, "page.mjs", "http://"+s.servers[0].web, s.control.URL, fmt.Sprint(len(s.servers)), pictures(t, ""))
	t.Logf("%s", out)
}

// TestPictures makes the pictures of the README; PAGE_PICTURES says where.
func TestPictures(t *testing.T) {
	folder := pictures(t, "")
	if folder == "" {
		t.Skip("PAGE_PICTURES names no folder")
	}
	s := newStage(t, 3)
	for _, name := range []string{"alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "kim", "lena", "mallory"} {
		if _, err := s.join(name); err != nil {
			t.Fatal(err)
		}
	}
	inNode(t, "pictures.mjs", "http://"+s.servers[0].web, s.control.URL, folder)
}
