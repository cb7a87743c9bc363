package bootstrap

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// httpPicture is the first event of a stream: all there is at one revision.
type httpPicture struct {
	httpStatus
	Peers  []httpRecord `json:"peers"`
	Total  int          `json:"total"` // registrations; more than Peers when there are too many to show
	Recent []happening  `json:"recent"`
}

type httpChange struct {
	Kind string     `json:"kind"`
	At   int64      `json:"at"` // milliseconds since 1970
	Peer httpRecord `json:"peer"`
}

// serveEvents sends a picture, or what changed since the event that the reader had
// last, and then changes as they come. A reader that is too slow is cut; it comes
// back by the last event's ID.
func (s *web) serveEvents(w http.ResponseWriter, r *http.Request) {
	release, ok := s.streams.admit(webOrigin(r.RemoteAddr))
	if !ok {
		s.counts.streamsRefused.Add(1)
		w.Header().Set("Retry-After", "10")
		reply(w, http.StatusServiceUnavailable, httpError{"too many pages are open"})
		return
	}
	defer release()
	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		return
	}
	// The request is read; the server's time for that would end the stream.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	out := &events{w: w, epoch: s.epoch, open: s.open(r)}
	revision, known := s.resume(r.Header.Get("Last-Event-ID"))
	out.retry()
	if known {
		out.status(s.Server)
		out.told(s)
	} else {
		revision = s.sendPicture(out)
	}
	beat := time.NewTicker(eventHeartbeat)
	defer beat.Stop()
	for out.err == nil {
		changes, wait, err := s.journal.after(revision, eventBatch)
		if err != nil {
			s.counts.lagged.Add(1)
			return
		}
		out.changes(s, revision, changes)
		revision += uint64(len(changes))
		out.flush()
		if wait == nil {
			continue
		}
		select {
		case <-wait:
		case <-out.more:
			out.status(s.Server)
			out.told(s)
		case <-beat.C:
			out.comment()
		case <-r.Context().Done():
			return
		case <-s.ctx.Done():
			return
		}
	}
}

// resume returns the revision of an event's ID, if the changes after it are kept.
func (s *Server) resume(id string) (revision uint64, known bool) {
	epoch, rest, _ := strings.Cut(id, "-")
	if e, err := strconv.ParseUint(epoch, 10, 64); err != nil || e != s.epoch {
		return 0, false
	}
	revision, err := strconv.ParseUint(rest, 10, 64)
	if err != nil {
		return 0, false
	}
	_, _, err = s.journal.after(revision, 1)
	return revision, err == nil
}

// picture is the first event as it was made last, for all readers of one kind.
type picture struct {
	mu       sync.Mutex
	revision uint64
	made     time.Time
	points   int64  // the time of the last one
	step     uint64 // of what peers tell of themselves
	data     []byte
}

// sendPicture sends all there is and returns its revision.
func (s *web) sendPicture(out *events) (revision uint64) {
	p := &s.pictures[0]
	if out.open {
		p = &s.pictures[1]
	}
	p.mu.Lock()
	if p.data == nil || s.journal.now() != p.revision || time.Since(p.made) > listingAge {
		s.draw(p, out.open)
	}
	data, revision := p.data, p.revision
	out.at, out.step = p.points, p.step
	p.mu.Unlock()
	_, _, out.more = s.history.since(out.at)
	out.begin("snapshot", eventID(s.epoch, revision))
	out.flush()
	out.write(data) // the same bytes for all readers
	out.end()
	return revision
}

func (s *web) draw(p *picture, open bool) {
	points, members, _ := s.history.since(0)
	recent := s.history.happened()
	step, _ := s.selves.look(s.snapshot)
	listed, release := s.snapshot()
	defer release()
	entries := listed.entries
	shown := shownPeers(entries)
	all := httpPicture{httpStatus: s.status(open, points, members), Peers: []httpRecord{}, Recent: recent}
	for i := range entries {
		if entries[i].claim.hidden {
			continue
		}
		if all.Total++; all.Total <= maxShown {
			all.Peers = append(all.Peers, entries[i].http(open, shown))
		}
	}
	data, err := json.Marshal(all)
	if err != nil {
		data = []byte("{}")
	}
	p.data, p.revision, p.made, p.points, p.step = data, listed.revision, time.Now(), 0, step
	if len(points) > 0 {
		p.points = points[len(points)-1].At
	}
}

// events writes server-sent events to one reader, until one fails.
type events struct {
	w     http.ResponseWriter
	buf   bytes.Buffer
	epoch uint64
	open  bool
	at    int64           // the time of the last point that was sent
	more  <-chan struct{} // closed when there is another point
	step  uint64          // of what peers tell of themselves
	err   error
}

func (o *events) retry() { fmt.Fprintf(&o.buf, "retry: %d\n\n", eventRetry.Milliseconds()) }

func (o *events) comment() { o.buf.WriteString(":\n\n") }

// event writes one event; data is a line of JSON. It waits in the buffer, which does
// not grow far.
func (o *events) event(kind, id string, data []byte) {
	o.begin(kind, id)
	o.buf.Write(data)
	o.end()
	if o.buf.Len() >= eventBytes {
		o.flush()
	}
}

func (o *events) begin(kind, id string) {
	o.buf.WriteString("event: " + kind + "\n")
	if id != "" {
		o.buf.WriteString("id: " + id + "\n")
	}
	o.buf.WriteString("data: ")
}

func (o *events) end() { o.buf.WriteString("\n\n") }

// status writes what the page shows besides peers.
func (o *events) status(s *Server) {
	points, members, more := s.history.since(o.at)
	o.more = more
	if len(points) > 0 {
		o.at = points[len(points)-1].At
	}
	data, err := json.Marshal(s.status(o.open, points, members))
	if err != nil {
		o.err = err
		return
	}
	o.event("status", "", data)
}

// told writes what peers tell of themselves since the reader was told last.
func (o *events) told(s *web) {
	step, _ := s.selves.look(s.snapshot)
	changed := s.selves.since(o.step)
	o.step = step
	if len(changed) == 0 {
		return
	}
	for some := range slices.Chunk(changed, eventSelves) {
		selves := make([]httpSelf, len(some))
		for i := range some {
			selves[i] = some[i].http(o.open)
		}
		data, err := json.Marshal(selves)
		if err != nil {
			o.err = err
			return
		}
		o.event("told", "", data)
	}
}

func (o *events) changes(s *web, revision uint64, changes []change) {
	if len(changes) == 0 {
		return
	}
	_, shown := s.selves.look(s.snapshot) // who joined since is told of with all links soon
	now := time.Now().UnixMilli()
	for i := range changes {
		revision++
		e := &changes[i].entry
		if e.claim.hidden {
			continue
		}
		data, err := json.Marshal(httpChange{changes[i].kind.String(), now, e.http(o.open, shown)})
		if err != nil {
			o.err = err
			return
		}
		o.event("change", eventID(o.epoch, revision), data)
	}
}

func (o *events) flush() {
	if o.buf.Len() == 0 {
		return
	}
	o.write(o.buf.Bytes())
	o.buf.Reset()
	if o.err == nil {
		o.err = http.NewResponseController(o.w).Flush()
	}
}

func (o *events) write(data []byte) {
	if o.err == nil {
		allowWrite(o.w)
		_, o.err = o.w.Write(data)
	}
}
