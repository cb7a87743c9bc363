package bootstrap

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// httpRecord is a registration in the JSON of Handler.
type httpRecord struct {
	Name    string    `json:"name,omitempty"`
	ID      peer.ID   `json:"id"`
	Addrs   []string  `json:"addrs"` // with /p2p, ready to dial
	Online  bool      `json:"online"`
	Since   time.Time `json:"since"`
	Expires time.Time `json:"expires"`
}

type httpPeers struct {
	Network  string       `json:"network"`
	Server   peer.ID      `json:"server"`
	Addrs    []string     `json:"addrs"`
	Revision uint64       `json:"revision"`
	Peers    []httpRecord `json:"peers"`
}

type httpHealth struct {
	Status        string `json:"status"`
	Registrations int    `json:"registrations"`
	UptimeSeconds int64  `json:"uptime_seconds"`
	Counts        tally  `json:"counts"`
}

type httpError struct {
	Error string `json:"error"`
}

// Handler serves what the server knows, for a started server:
//
//	GET /                  what else there is, as plain text
//	GET /api/peers         all registrations
//	GET /api/names/{name}  one, or 404
//	GET /healthz           200 while registrations are taken, or 503; with what was
//	                       done and refused since the server was started
//
// It only reads. It answers under plain IP addresses, localhost and HTTPHosts, so
// that no web page can reach it by giving its own host name this address.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.serveIndex)
	mux.HandleFunc("GET /api/peers", s.servePeers)
	mux.HandleFunc("GET /api/names/{name}", s.serveName)
	mux.HandleFunc("GET /healthz", s.serveHealth)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cache-Control", "no-store")
		if !s.hostAllowed(r.Host) {
			reply(w, http.StatusMisdirectedRequest, httpError{"this server is not known by that host name"})
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (s *Server) hostAllowed(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	same := func(name string) bool { return strings.EqualFold(name, host) }
	return same("localhost") || slices.ContainsFunc(s.HTTPHosts, same)
}

const httpIndex = `Grapevine bootstrap server

/api/peers         who is registered, as JSON
/api/names/{name}  one of them
/healthz           whether registrations are taken
`

func (s *Server) serveIndex(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, httpIndex) // the client has left
}

func (s *Server) servePeers(w http.ResponseWriter, _ *http.Request) {
	entries, revision := s.snapshot()
	answer := httpPeers{
		Network: s.Network, Server: s.Host.ID(), Revision: revision, Peers: make([]httpRecord, len(entries)),
		Addrs: dialable(peer.AddrInfo{ID: s.Host.ID(), Addrs: s.Host.Addrs()}),
	}
	for i := range entries {
		answer.Peers[i] = entries[i].http()
	}
	reply(w, http.StatusOK, answer)
}

func (s *Server) serveName(w http.ResponseWriter, r *http.Request) {
	key, err := keyOf(r.PathValue("name"))
	if err != nil {
		reply(w, http.StatusBadRequest, httpError{err.Error()})
		return
	}
	s.mu.Lock()
	e, err := s.table.lookup(time.Now(), key)
	s.mu.Unlock()
	if err != nil {
		reply(w, http.StatusNotFound, httpError{err.Error()})
		return
	}
	reply(w, http.StatusOK, e.http())
}

func (s *Server) serveHealth(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	running, fail, n := s.running, s.storeFail, len(s.table.entries)
	s.mu.Unlock()
	status, code := "ok", http.StatusOK
	switch {
	case !running:
		status, code = "closed", http.StatusServiceUnavailable
	case fail != nil:
		status, code = "registrations cannot be stored", http.StatusServiceUnavailable
	}
	reply(w, code, httpHealth{status, n, int64(time.Since(s.started).Seconds()), s.counts.read()})
}

func (e *entry) http() httpRecord {
	return httpRecord{
		Name: e.claim.name, ID: e.claim.peer, Online: e.online, Since: e.since.UTC(), Expires: e.expires.UTC(),
		Addrs: dialable(peer.AddrInfo{ID: e.claim.peer, Addrs: e.claim.addrs}),
	}
}

// dialable returns addresses with the peer ID in them.
func dialable(info peer.AddrInfo) []string {
	full, err := peer.AddrInfoToP2pAddrs(&info)
	all := make([]string, 0, len(full))
	if err != nil {
		return all
	}
	for _, a := range full {
		all = append(all, a.String())
	}
	return all
}

func reply(w http.ResponseWriter, code int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "encode the answer", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(append(body, '\n')) // the client has left
}
