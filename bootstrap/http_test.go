package bootstrap

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
)

func get(t testing.TB, s *Server, path string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost:8080"+path, nil)
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

func TestHTTPIndex(t *testing.T) {
	s := startServer(t)
	w := get(t, s, "/")
	if kind := w.Header().Get("Content-Type"); w.Code != http.StatusOK || !strings.HasPrefix(kind, "text/plain") {
		t.Errorf("%d, %s", w.Code, kind)
	}
	for _, path := range []string{"/api/peers", "/api/names/{name}", "/healthz"} {
		if !strings.Contains(w.Body.String(), path) {
			t.Errorf("%s is not named", path)
		}
	}
	if w := get(t, s, "/nonsense"); w.Code != http.StatusNotFound {
		t.Errorf("another page: %d", w.Code)
	}
}

func TestHealthCounts(t *testing.T) {
	s := startServer(t)
	alice, bob := newHost(t), newHost(t)
	a, b := rawTalk(t, alice, s), rawTalk(t, bob, s)
	a.asks(t, registerRequest(sealed(t, alice)))
	a.asks(t, renewRequest("alice"))
	a.asks(t, renewRequest("alice"))
	b.asks(t, lookupRequest("alice"))
	b.asks(t, lookupRequest("nobody"))
	b.asks(t, lookupRequest("no\x1bname"))
	b.asks(t, registerRequest(sealed(t, bob))) // the name is alice's
	a.asks(t, removeRequest(sealed(t, alice, func(c *claim) { c.removed, c.seq = true, 99 })))

	var health struct {
		Status string
		Counts map[string]uint64
	}
	if err := json.Unmarshal(get(t, s, "/healthz").Body.Bytes(), &health); err != nil {
		t.Fatal(err)
	}
	want := map[string]uint64{
		"granted": 1, "removed": 1, "renewed": 2, "lookups": 3, "refused": 2, // that nobody has a name is an answer
		"streams_refused": 0, "malformed": 0, "busy": 0, "lagged": 0,
	}
	if health.Status != "ok" || !maps.Equal(health.Counts, want) {
		t.Errorf("health is %+v, want counts %v", health, want)
	}
}

func TestHTTP(t *testing.T) {
	s := startServer(t, func(s *Server) { s.HTTPHosts = []string{"grapevine.example"} })
	alice := startClient(t, infos(s)...)
	register(t, alice, "Alice & Bob")

	var peers httpPeers
	if err := json.Unmarshal(get(t, s, "/api/peers").Body.Bytes(), &peers); err != nil {
		t.Fatal(err)
	}
	if len(peers.Peers) != 1 || peers.Peers[0].ID != alice.host.ID() || !peers.Peers[0].Online || peers.Server != s.Host.ID() {
		t.Fatalf("%+v", peers)
	}
	if info, err := peer.AddrInfoFromString(peers.Peers[0].Addrs[0]); err != nil || info.ID != alice.host.ID() {
		t.Fatalf("address %q: %v", peers.Peers[0].Addrs, err)
	}
	method := func(m string) func(*http.Request) { return func(r *http.Request) { r.Method = m } }
	host := func(h string) func(*http.Request) { return func(r *http.Request) { r.Host = h } }
	for _, tt := range []struct {
		path   string
		change func(*http.Request)
		want   int
	}{
		{"/healthz", host("127.0.0.1:1"), 200},
		{"/healthz", host("[::1]:1"), 200},
		{"/healthz", host("::1"), 200},
		{"/healthz", host("LOCALHOST"), 200},
		{"/healthz", host("grapevine.example:80"), 200},
		{"/healthz", host("evil.example"), 421},
		{"/healthz", host("127.0.0.1.evil.example"), 421},
		{"/healthz", host(""), 421},
		{"/api/names/alice%20&%20bob", method("GET"), 200},
		{"/api/names/alice%20&%20bob", method("HEAD"), 200},
		{"/api/names/carol", method("GET"), 404},
		{"/api/names/a%1bb", method("GET"), 400},
		{"/api/peers", method("POST"), 405},
		{"/api/peers", method("DELETE"), 405},
		{"/", method("GET"), 200},
		{"/", method("POST"), 405},
		{"/", host("evil.example"), 421},
		{"/api", method("GET"), 404},
	} {
		w := get(t, s, tt.path, tt.change)
		if w.Code != tt.want || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %s, want %d", tt.path, w.Code, w.Body, tt.want)
		}
	}
}
