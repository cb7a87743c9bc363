package bootstrap

import (
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Handler serves what the server knows, for a started server:
//
//	GET /                  the page that shows the network as it lives
//	GET /api/peers         all registrations
//	GET /api/names/{name}  one, or 404
//	GET /api/events        all registrations and then each change, as server-sent events
//	GET /api/status        how many there are, the last minutes, the federation's servers
//	GET /healthz           200 while registrations are taken, or 503; with what was
//	                       done and refused since the server was started
//	GET /metrics           the same for Prometheus
//
// It only reads. It answers under plain IP addresses, localhost and HTTPHosts, so
// that no web page can reach it by giving its own host name this address. Peers'
// addresses and links are shown on this machine only, unless HTTPOpen is set; hidden
// peers are not shown at all.
func (s *Server) Handler() http.Handler {
	w := &web{
		Server: s, selves: newSelves(),
		streams: newPlaces(maxEventStreams, maxEventStreamsPerIP), webLists: newPlaces(maxWebLists, maxWebListsPerIP),
	}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", pageFile("index.html"))
	mux.Handle("GET /page/", pageFiles())
	mux.HandleFunc("GET /api/peers", w.servePeers)
	mux.HandleFunc("GET /api/names/{name}", w.serveName)
	mux.HandleFunc("GET /api/events", w.serveEvents)
	mux.HandleFunc("GET /api/status", w.serveStatus)
	mux.HandleFunc("GET /healthz", w.serveHealth)
	mux.Handle("GET /metrics", metricsHandler(s))
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		h := rw.Header()
		for _, line := range webHeaders {
			h.Set(line[0], line[1])
		}
		if !s.hostAllowed(r.Host) {
			reply(rw, http.StatusMisdirectedRequest, httpError{"this server is not known by that host name"})
			return
		}
		mux.ServeHTTP(rw, r)
	})
}

// web answers one Handler's requests.
type web struct {
	*Server
	streams  *places // of events
	webLists *places
	selves   *selves
	pictures [2]picture // for readers far and near
}

// webHeaders stand in every answer. There is none that lets other origins read.
var webHeaders = [...][2]string{
	{"Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
		"img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"},
	{"X-Content-Type-Options", "nosniff"},
	{"Referrer-Policy", "no-referrer"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"Cache-Control", "no-store"},
}

func (s *Server) hostAllowed(hostport string) bool {
	host := bareHost(hostport)
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	same := func(name string) bool { return strings.EqualFold(name, host) }
	return same("localhost") || slices.ContainsFunc(s.HTTPHosts, same)
}

// bareHost takes the port and the brackets off.
func bareHost(hostport string) string {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

// open reports whether a reader is shown addresses and links: everybody if HTTPOpen
// says so, else whoever came over loopback and not through a proxy.
func (s *Server) open(r *http.Request) bool {
	if s.HTTPOpen {
		return true
	}
	for _, header := range [...]string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if r.Header.Get(header) != "" {
			return false
		}
	}
	host := bareHost(r.Host)
	if asked, err := netip.ParseAddr(host); !strings.EqualFold(host, "localhost") && (err != nil || !asked.Unmap().IsLoopback()) {
		return false
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && local.IP.IsLoopback()
}

// allowWrite gives the next write its time, which is not the whole answer's.
func allowWrite(w http.ResponseWriter) {
	// What has no deadlines is a test's recorder.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(webWriteTimeout))
}

type httpError struct {
	Error string `json:"error"`
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
