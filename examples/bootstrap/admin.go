package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/bootstrap"
	"github.com/grapevine-p2p/grapevine/examples/internal/program"
	"github.com/grapevine-p2p/grapevine/internal/display"
)

const (
	// maxCommand bounds the body of a command, which is an address.
	maxCommand = 4 << 10
	// changeTime bounds adding or removing a server: a new one first gets all there
	// is.
	changeTime = 3 * time.Minute
	// joinTime is how long a server that is added may take to be there.
	joinTime = 30 * time.Second
	// progressTime is how often who waits for a change is told how far it is.
	progressTime = 250 * time.Millisecond
	// settleTime is how long the status may lag behind what was done.
	settleTime = 10 * time.Second
)

// servers are the servers of a federation.
type servers interface {
	AddServer(context.Context, peer.AddrInfo) error
	RemoveServer(context.Context, peer.ID) error
	Members() []bootstrap.Member // of some seconds ago
	MembersNow(context.Context) []bootstrap.Member
}

var _ servers = (*bootstrap.Server)(nil)

// operator answers the commands of whoever may open the socket. It speaks HTTP with
// JSON:
//
//	GET /members          a status
//	POST /members         add the server at an {"addr"}: lines of progress
//	DELETE /members/{id}  remove a server: a line of progress
type operator struct {
	servers
	self  peer.ID
	addr  string        // at which others add this server
	await time.Duration // how long one that is added may take to be there

	changing chan struct{} // held by the one change that is under way
}

// status is the federation as the server sees it.
type status struct {
	Self    peer.ID  `json:"self"`
	Addr    string   `json:"addr"`
	Members []member `json:"members"`
}

type member struct {
	ID     peer.ID  `json:"id"`
	Addrs  []string `json:"addrs"`
	Voter  bool     `json:"voter"`
	Leader bool     `json:"leader"`
	// Answers tells that the server which was asked hears from it, and Behind how
	// many entries of the names' log it lacks then.
	Answers bool   `json:"answers"`
	Behind  uint64 `json:"behind"`
}

// progress says how far a change is. The last line has Done or Error.
type progress struct {
	Admitted bool   `json:"admitted,omitempty"`
	Behind   uint64 `json:"behind,omitempty"`
	Done     bool   `json:"done,omitempty"`
	Error    string `json:"error,omitempty"`
}

// serveAdmin answers commands on the socket of the server's folder until close.
func serveAdmin(ctx context.Context, folder string, o *operator, log *slog.Logger) (*web, error) {
	l, err := listenSocket(folder)
	if err != nil {
		return nil, err
	}
	o.changing = make(chan struct{}, 1)
	w := &web{}
	w.serve(ctx, l, o.handler(), log)
	return w, nil
}

func (o *operator) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /members", func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(o.status(o.MembersNow(r.Context()))) // who asked has left
	})
	mux.HandleFunc("POST /members", o.add)
	mux.HandleFunc("DELETE /members/{id}", o.remove)
	return mux
}

func (o *operator) status(members []bootstrap.Member) status {
	s := status{Self: o.self, Addr: o.addr, Members: []member{}}
	for _, m := range members {
		addrs, _ := peer.AddrInfoToP2pAddrs(&m.Peer) // a peer ID is never refused
		one := member{ID: m.Peer.ID, Addrs: []string{}, Voter: m.Voter, Leader: m.Leader, Answers: m.Reachable, Behind: m.Behind}
		for _, a := range addrs {
			one.Addrs = append(one.Addrs, a.String())
		}
		s.Members = append(s.Members, one)
	}
	return s
}

func (s status) member(id peer.ID) (member, bool) {
	i := slices.IndexFunc(s.Members, func(m member) bool { return m.ID == id })
	if i < 0 {
		return member{}, false
	}
	return s.Members[i], true
}

func (o *operator) add(w http.ResponseWriter, r *http.Request) {
	var body struct{ Addr string }
	if err := json.NewDecoder(io.LimitReader(r.Body, maxCommand)).Decode(&body); err != nil {
		http.Error(w, "no JSON", http.StatusBadRequest)
		return
	}
	info, err := program.ParsePeers([]string{body.Addr})
	o.change(w, r, func(ctx context.Context) error {
		if err != nil {
			return err
		}
		if err := o.admit(ctx, info[0]); errors.Is(err, bootstrap.ErrNoMajority) {
			return err // whatever the new one does
		} else if err != nil {
			return fmt.Errorf("%w; it has to run with a new data folder, --federation and the address of a member, and both must reach each other", err)
		}
		o.settle(ctx, func(s status) bool {
			m, is := s.member(info[0].ID)
			return is && m.Voter
		})
		return nil
	}, func() (p progress) {
		if err == nil {
			m, is := o.status(o.Members()).member(info[0].ID)
			p.Admitted, p.Behind = is, m.Behind
		}
		return p
	})
}

func (o *operator) remove(w http.ResponseWriter, r *http.Request) {
	id, err := peer.Decode(r.PathValue("id"))
	o.change(w, r, func(ctx context.Context) error {
		if err != nil {
			return fmt.Errorf("%q is no peer ID", r.PathValue("id"))
		}
		if _, is := o.status(o.MembersNow(ctx)).member(id); !is {
			return fmt.Errorf("%s is no server of this federation; \"bootstrap federation status\" shows which are", id)
		}
		if err := o.RemoveServer(ctx, id); err != nil {
			return err
		}
		o.settle(ctx, func(s status) bool {
			_, is := s.member(id)
			return !is
		})
		return nil
	}, func() progress { return progress{} })
}

// admit adds a server, which may be on its way up.
func (o *operator) admit(ctx context.Context, info peer.AddrInfo) error {
	late := time.After(o.await)
	for {
		err := o.AddServer(ctx, info)
		if err == nil || errors.Is(err, bootstrap.ErrNoMajority) {
			return err
		}
		select {
		case <-time.After(progressTime):
		case <-late:
			return err
		case <-ctx.Done():
			return err
		}
	}
}

// settle waits a little until the status, which is some seconds old, shows what was
// done.
func (o *operator) settle(ctx context.Context, shows func(status) bool) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	tick := time.NewTicker(progressTime)
	defer tick.Stop()
	for !shows(o.status(o.Members())) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// change makes one change at a time, and tells how far it is until it has an end.
func (o *operator) change(w http.ResponseWriter, r *http.Request, do func(context.Context) error, far func() progress) {
	out := http.NewResponseController(w)
	tell := func(p progress) {
		_ = out.SetWriteDeadline(time.Now().Add(writeTimeout))
		_ = errors.Join(json.NewEncoder(w).Encode(p), out.Flush()) // who asked has left, which ends r's context
	}
	select {
	case o.changing <- struct{}{}:
	default:
		tell(progress{Error: "another change of the federation is under way; wait for it to end"})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), changeTime)
	defer cancel()
	_ = out.SetReadDeadline(time.Time{}) // it would end the context early
	ended := make(chan error, 1)
	go func() { ended <- do(ctx) }()
	tick := time.NewTicker(progressTime)
	defer tick.Stop()
	last := progress{}
	tell(last)
	for {
		select {
		case err := <-ended:
			<-o.changing // who reads the last line may ask for the next change at once
			if err != nil {
				tell(progress{Error: display.Line(advice(err))})
			} else {
				tell(progress{Done: true})
			}
			return
		case <-tick.C:
			if now := far(); now != last {
				last = now
				tell(now)
			}
		}
	}
}

// advice says what went wrong and what to do about it.
func advice(err error) string {
	switch {
	case errors.Is(err, bootstrap.ErrNoMajority):
		return err.Error() + "; start the servers that are down (\"bootstrap federation status\" shows which), and try again"
	case errors.Is(err, context.DeadlineExceeded):
		return err.Error() + "; it may still happen, as \"bootstrap federation status\" will show"
	}
	return err.Error()
}
