package bootstrap

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// httpRecord is a registration in JSON.
type httpRecord struct {
	Name        string    `json:"name,omitempty"`
	Key         string    `json:"key,omitempty"` // the name as it is compared
	ID          peer.ID   `json:"id"`
	Addrs       []string  `json:"addrs"` // with /p2p, ready to dial
	Online      bool      `json:"online"`
	Unconfirmed bool      `json:"unconfirmed,omitempty"`
	Detached    bool      `json:"detached,omitempty"`
	Since       time.Time `json:"since"`
	Expires     time.Time `json:"expires"`
	// What the peer tells of itself.
	Agent      string    `json:"agent,omitempty"`
	RTT        float64   `json:"rtt_ms,omitempty"`
	Neighbours []peer.ID `json:"neighbours,omitempty"` // that are registered themselves
}

type httpPeers struct {
	Network  string       `json:"network"`
	Server   peer.ID      `json:"server"`
	Addrs    []string     `json:"addrs"`
	Revision uint64       `json:"revision"`
	Peers    []httpRecord `json:"peers"`
}

type httpStatus struct {
	Network       string       `json:"network"`
	Server        peer.ID      `json:"server"`
	Open          bool         `json:"open"` // addresses and links are shown to this reader
	UptimeSeconds int64        `json:"uptime_seconds"`
	Population    population   `json:"population"`
	Counts        tally        `json:"counts"`
	StepMS        int64        `json:"step_ms"`
	Points        []point      `json:"points"`
	Members       []httpMember `json:"members"`
}

type httpMember struct {
	ID        peer.ID `json:"id"`
	Voter     bool    `json:"voter"`
	Leader    bool    `json:"leader"`
	Reachable bool    `json:"reachable"`
	Behind    uint64  `json:"behind"`
}

type httpHealth struct {
	Status        string `json:"status"`
	Registrations int    `json:"registrations"`
	UptimeSeconds int64  `json:"uptime_seconds"`
	Counts        tally  `json:"counts"`
}

// servePeers writes one registration after another, so that a long list costs no
// second copy in memory.
func (s *web) servePeers(w http.ResponseWriter, r *http.Request) {
	leave, ok := s.webLists.admit(webOrigin(r.RemoteAddr))
	if !ok {
		s.counts.streamsRefused.Add(1)
		w.Header().Set("Retry-After", "1")
		reply(w, http.StatusServiceUnavailable, httpError{"too many read the list now"})
		return
	}
	defer leave()
	open := s.open(r)
	all, release := s.snapshot()
	defer release()
	entries := all.entries
	head := httpPeers{Network: s.Network, Server: s.Host.ID(), Revision: all.revision, Addrs: []string{}, Peers: []httpRecord{}}
	if open {
		head.Addrs = dialable(peer.AddrInfo{ID: s.Host.ID(), Addrs: s.Host.Addrs()})
	}
	begin, err := json.Marshal(head)
	if err != nil {
		reply(w, http.StatusInternalServerError, httpError{"encode the answer"})
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodHead {
		return
	}
	const end = "]}"
	out := bufio.NewWriterSize(deadlined{w, time.Now().Add(pagesTimeout)}, 64<<10)
	_, _ = out.Write(begin[:len(begin)-len(end)])
	seen := shownPeers(entries)
	comma := ""
	for i := range entries {
		if entries[i].claim.hidden {
			continue
		}
		line, err := json.Marshal(entries[i].http(open, seen))
		if err != nil {
			continue
		}
		_, _ = out.WriteString(comma)
		if _, err := out.Write(line); err != nil {
			return // the client has left
		}
		comma = ","
	}
	_, _ = out.WriteString(end + "\n")
	_ = out.Flush() // the client has left
}

// deadlined gives each write its time, and all of them theirs.
type deadlined struct {
	http.ResponseWriter
	over time.Time
}

func (d deadlined) Write(b []byte) (int, error) {
	if time.Now().After(d.over) {
		return 0, os.ErrDeadlineExceeded
	}
	allowWrite(d.ResponseWriter)
	return d.ResponseWriter.Write(b)
}

func (s *web) serveName(w http.ResponseWriter, r *http.Request) {
	key, err := keyOf(r.PathValue("name"))
	if err != nil {
		reply(w, http.StatusBadRequest, httpError{err.Error()})
		return
	}
	e, err := s.find(time.Now(), key)
	if err == nil && e.claim.hidden {
		err = ErrNotRegistered
	}
	if err != nil {
		reply(w, http.StatusNotFound, httpError{err.Error()})
		return
	}
	_, shown := s.selves.look(s.snapshot)
	reply(w, http.StatusOK, e.http(s.open(r), shown))
}

func (s *web) serveStatus(w http.ResponseWriter, r *http.Request) {
	points, members, _ := s.history.since(0)
	reply(w, http.StatusOK, s.status(s.open(r), points, members))
}

func (s *Server) status(open bool, points []point, members []Member) httpStatus {
	status := httpStatus{
		Network: s.Network, Server: s.Host.ID(), Open: open, UptimeSeconds: s.uptime(),
		Population: s.population(), Counts: s.counts.read(),
		StepMS: historyStep.Milliseconds(), Points: points, Members: make([]httpMember, len(members)),
	}
	for i, m := range members {
		status.Members[i] = httpMember{m.Peer.ID, m.Voter, m.Leader, m.Reachable, m.Behind}
	}
	return status
}

func (s *Server) uptime() int64 { return int64(time.Since(s.started).Seconds()) }

func (s *web) serveHealth(w http.ResponseWriter, _ *http.Request) {
	code := http.StatusOK
	status, n := s.health()
	if status != healthy {
		code = http.StatusServiceUnavailable
	}
	reply(w, code, httpHealth{status, n, s.uptime(), s.counts.read()})
}

const healthy = "ok"

func (s *Server) health() (status string, registrations int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.running:
		status = "closed"
	case s.storeFail != nil:
		status = "registrations cannot be stored"
	default:
		status = healthy
	}
	return status, s.table.leases.Len()
}

// shownPeers are those of a list that are not hidden.
func shownPeers(entries []entry) map[peer.ID]bool {
	shown := make(map[peer.ID]bool, len(entries))
	for i := range entries {
		if !entries[i].claim.hidden {
			shown[entries[i].claim.peer] = true
		}
	}
	return shown
}

// http returns an entry in JSON. Only shown peers are named as its neighbours.
func (e *entry) http(open bool, shown map[peer.ID]bool) httpRecord {
	told := e.told()
	record := httpRecord{
		Name: e.claim.name, Key: string(e.claim.key), ID: e.claim.peer, Online: e.online, Unconfirmed: e.unconfirmed, Detached: e.detached,
		Since: e.since.time().UTC(), Expires: e.expires.time().UTC(), Addrs: []string{},
		Agent: told.agent, RTT: milliseconds(told.rtt),
	}
	if !open {
		return record
	}
	record.Addrs = dialable(peer.AddrInfo{ID: e.claim.peer, Addrs: e.claim.addresses()})
	record.Neighbours = among(told.neighbours, shown)
	return record
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

// eventID names a revision of an epoch.
func eventID(epoch, revision uint64) string {
	return strconv.FormatUint(epoch, 10) + "-" + strconv.FormatUint(revision, 10)
}
