package bootstrap

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/prometheus/client_golang/prometheus"
)

// get asks a server's Handler as somebody on its machine does.
func get(t testing.TB, s *Server, path string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost:8080"+path, nil)
	fromAddr("127.0.0.1")(r)
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// fromAddr makes a request come in at an address of the server.
func fromAddr(local string) func(*http.Request) {
	return func(r *http.Request) {
		*r = *r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.ParseIP(local), Port: 8080}))
	}
}

func withMethod(m string) func(*http.Request) { return func(r *http.Request) { r.Method = m } }

func withHost(h string) func(*http.Request) { return func(r *http.Request) { r.Host = h } }

func withHeader(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func TestWebHeaders(t *testing.T) {
	s := startServer(t)
	for _, path := range []string{"/", "/page/main.js", "/api/peers", "/api/status", "/healthz", "/metrics", "/nonsense"} {
		h := get(t, s, path, withHeader("Origin", "https://evil.example")).Header()
		policy := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy %q lacks %q", path, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %v", path, h)
		}
		for name := range h {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s lets other origins read: %s", path, name)
			}
		}
	}
}

// place puts an entry into a server's table that no client stands behind.
func place(t testing.TB, s *Server, set ...func(*entry)) *entry {
	t.Helper()
	id := newID(t)
	e := &entry{
		claim: &claim{particulars: &particulars{addrs: []ma.Multiaddr{ma.StringCast("/ip4/10.1.2.3/tcp/4001")}}, peer: id, seq: 1},
		since: momentOf(time.Now()), expires: momentOf(time.Now().Add(time.Hour)), online: true,
	}
	for _, f := range set {
		f(e)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.table.insert(e)
	s.note([]change{{kind: Joined, entry: *e}})
	return e
}

func newID(t testing.TB) peer.ID {
	t.Helper()
	_, public, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func named(t testing.TB, name string) func(*entry) {
	t.Helper()
	key, err := keyOf(name)
	if err != nil {
		t.Fatal(err)
	}
	return func(e *entry) { e.claim.name, e.claim.key = name, key }
}

func hidden(e *entry) { e.claim.hidden = true }

func linkedTo(ids ...peer.ID) func(*entry) {
	return func(e *entry) {
		e.self = &self{neighbours: ids, rtt: 1500 * time.Microsecond, agent: "test/1"}
	}
}

func TestAddressesAndLinksAreShownNearOnly(t *testing.T) {
	for _, tt := range []struct {
		name   string
		open   bool
		change []func(*http.Request)
		want   bool
	}{
		{"loopback", false, nil, true},
		{"loopback IPv6", false, []func(*http.Request){fromAddr("::1"), withHost("[::1]:8080")}, true},
		{"from elsewhere", false, []func(*http.Request){fromAddr("192.0.2.7"), withHost("192.0.2.7:8080")}, false},
		{"from elsewhere, said to be localhost", false, []func(*http.Request){fromAddr("192.0.2.7")}, false},
		{"through a proxy that says so", false, []func(*http.Request){withHeader("X-Forwarded-For", "192.0.2.9")}, false},
		{"through a proxy, by the public name", false, []func(*http.Request){withHost("grapevine.example")}, false},
		{"open", true, []func(*http.Request){fromAddr("192.0.2.7"), withHost("192.0.2.7:8080")}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := startServer(t, func(s *Server) { s.HTTPOpen, s.HTTPHosts = tt.open, []string{"grapevine.example"} })
			bob := place(t, s)
			alice := place(t, s, named(t, "alice"), linkedTo(bob.claim.peer, newID(t)))
			for _, path := range []string{"/api/peers", "/api/names/alice", "/api/events"} {
				body := firstAnswer(t, s, path, tt.change...)
				if !strings.Contains(body, alice.claim.peer.String()) || !strings.Contains(body, "test/1") || !strings.Contains(body, `"rtt_ms":1.5`) {
					t.Errorf("%s lacks alice: %s", path, body)
				}
				if strings.Contains(body, "10.1.2.3") != tt.want || strings.Contains(body, "neighbours") != tt.want {
					t.Errorf("%s shows addresses and links: not %v: %s", path, tt.want, body)
				}
			}
			var status httpStatus
			if err := json.Unmarshal(get(t, s, "/api/status", tt.change...).Body.Bytes(), &status); err != nil || status.Open != tt.want {
				t.Errorf("status says open: %v, %v", status.Open, err)
			}
		})
	}
}

// firstAnswer is all of a path's answer, or the first event of a stream.
func firstAnswer(t testing.TB, s *Server, path string, change ...func(*http.Request)) string {
	t.Helper()
	if path != "/api/events" {
		return get(t, s, path, change...).Body.String()
	}
	stream := follow(t, s.Handler(), "", change...)
	return stream.next(t, "snapshot").data
}

func TestHiddenPeersAreNowhere(t *testing.T) {
	s := startServer(t)
	carol := place(t, s, named(t, "carol"), hidden)
	place(t, s, named(t, "alice"), linkedTo(carol.claim.peer))
	stream := follow(t, s.Handler(), "")
	bodies := []string{stream.next(t, "snapshot").data}
	place(t, s, named(t, "dave"), hidden)
	place(t, s, named(t, "bob"), linkedTo(carol.claim.peer))
	bodies = append(bodies, stream.next(t, "change").data)
	for _, path := range []string{"/api/peers", "/api/names/alice", "/api/names/carol", "/metrics"} {
		bodies = append(bodies, get(t, s, path).Body.String())
	}
	if !strings.Contains(bodies[1], `"name":"bob"`) {
		t.Errorf("the next change is %s", bodies[1])
	}
	for _, body := range bodies {
		if strings.Contains(body, carol.claim.peer.String()) || strings.Contains(body, `"carol"`) || strings.Contains(body, `"dave"`) {
			t.Errorf("a hidden peer is in %s", body)
		}
	}
	if people := s.population(); people != (population{Peers: 2, Online: 2, Names: 2}) {
		t.Errorf("%+v", people)
	}
}

func TestMetrics(t *testing.T) {
	s, other := startServer(t), startServer(t) // a registry each
	place(t, s, named(t, "alice"))
	s.counts.lookups.Add(3)
	for server, want := range map[*Server][]string{
		s:     {"grapevine_directory_peers_online 1", "grapevine_directory_lookups_total 3", "grapevine_directory_healthy 1"},
		other: {"grapevine_directory_peers_online 0", "grapevine_directory_lookups_total 0"},
	} {
		body := get(t, server, "/metrics").Body.String()
		for _, line := range want {
			if !strings.Contains(body, "\n"+line+"\n") {
				t.Errorf("no line %q in\n%s", line, body)
			}
		}
	}
}

// A server that is taken back is a member twice for a while, and the metrics are still told.
func TestMetricsOfAServerThatIsTakenBack(t *testing.T) {
	s := &Server{history: newHistory()}
	back := Member{Peer: peer.AddrInfo{ID: "back"}}
	was, is := back, back
	was.Voter, is.Reachable, is.Behind = true, true, 5
	s.history.setMembers([]Member{was, is})
	registry := prometheus.NewRegistry()
	registry.MustRegister(memberMetrics{s})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{
		"grapevine_directory_member_reachable": 1, "grapevine_directory_member_leader": 0, "grapevine_directory_member_behind": 5,
	}
	got := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			got[f.GetName()] += m.GetGauge().GetValue()
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("metrics: %v", got)
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
	for _, tt := range []struct {
		path   string
		change func(*http.Request)
		want   int
	}{
		{"/healthz", withHost("127.0.0.1:1"), 200},
		{"/healthz", withHost("[::1]:1"), 200},
		{"/healthz", withHost("::1"), 200},
		{"/healthz", withHost("LOCALHOST"), 200},
		{"/healthz", withHost("grapevine.example:80"), 200},
		{"/healthz", withHost("evil.example"), 421},
		{"/healthz", withHost("127.0.0.1.evil.example"), 421},
		{"/healthz", withHost(""), 421},
		{"/api/names/alice%20&%20bob", withMethod("GET"), 200},
		{"/api/names/alice%20&%20bob", withMethod("HEAD"), 200},
		{"/api/names/carol", withMethod("GET"), 404},
		{"/api/names/a%1bb", withMethod("GET"), 400},
		{"/api/peers", withMethod("POST"), 405},
		{"/api/peers", withMethod("DELETE"), 405},
		{"/", withMethod("GET"), 200},
		{"/", withMethod("POST"), 405},
		{"/", withHost("evil.example"), 421},
		{"/api", withMethod("GET"), 404},
	} {
		w := get(t, s, tt.path, tt.change)
		if w.Code != tt.want || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %s, want %d", tt.path, w.Code, w.Body, tt.want)
		}
	}
}

func TestCountWithFellows(t *testing.T) {
	table := testTable()
	story := newStory(table)
	for _, c := range []*claim{claimOf("a", "", 1), claimOf("a", "alice", 1), claimOf("b", "bob", 1)} {
		_, changes, _, err := table.grant(t0, c, manner{})
		if err != nil {
			t.Fatal(err)
		}
		story.retell(changes)
	}
	story.retell(table.presence(t0, "b", false))
	hidden := claimOf("h", "harry", 1)
	hidden.hidden = true
	there := []entry{
		{claim: claimOf("a", "alice", 1)},
		{claim: claimOf("b", "bob", 1), online: true}, // there, if not here
		{claim: claimOf("c", "carol", 1), online: true},
		{claim: claimOf("c", "", 1)},
		{claim: hidden, online: true},
	}
	adoptAll(story, "x", there)
	adoptAll(story, "y", there[2:])
	if got, want := story.people.population, (population{Peers: 3, Online: 3, Names: 3}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// waiting is a reader of answers that reads nothing until it is let go.
type waiting struct {
	*httptest.ResponseRecorder
	reached, goOn chan struct{}
}

func (s waiting) Write(b []byte) (int, error) {
	s.reached <- struct{}{}
	<-s.goOn
	return s.ResponseRecorder.Write(b)
}

// TestWebListsAreBounded lets some who read slowly ask for the whole list.
func TestWebListsAreBounded(t *testing.T) {
	s := startServer(t)
	handler := s.Handler()
	ask := func(w http.ResponseWriter, addr string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/api/peers", nil)
		r.RemoteAddr = net.JoinHostPort(addr, "1234")
		handler.ServeHTTP(w, r)
	}
	status := func(addr string) int {
		w := httptest.NewRecorder()
		ask(w, addr)
		return w.Code
	}
	reached, goOn := make(chan struct{}), make(chan struct{})
	var readers sync.WaitGroup
	for range maxWebListsPerIP {
		readers.Go(func() { ask(waiting{httptest.NewRecorder(), reached, goOn}, "192.0.2.1") })
		<-reached
	}
	if code := status("192.0.2.1"); code != http.StatusServiceUnavailable {
		t.Errorf("one more is answered %d", code)
	}
	if code := status("192.0.2.2"); code != http.StatusOK {
		t.Errorf("somebody else is answered %d", code)
	}
	close(goOn)
	readers.Wait()
	if code := status("192.0.2.1"); code != http.StatusOK {
		t.Errorf("afterwards it is answered %d", code)
	}
}
