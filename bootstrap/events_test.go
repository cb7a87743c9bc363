package bootstrap

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// sent is a server-sent event; a comment has the kind ":".
type sent struct{ kind, id, data string }

// eventReader reads a stream of events as a browser does.
type eventReader struct {
	events chan sent
	retry  chan string
	stop   func()
	status int
}

// follow opens /api/events, after the event last if it is not empty. The stream
// ends with the test or by stop.
func follow(t testing.TB, handler http.Handler, last string, change ...func(*http.Request)) *eventReader {
	t.Helper()
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = "localhost:8080"
		for _, f := range change {
			f(r)
		}
		handler.ServeHTTP(w, r)
	}))
	web.Config.ReadTimeout, web.Config.WriteTimeout = 50*time.Millisecond, 50*time.Millisecond // a stream outlives them
	web.Start()
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, web.URL+"/api/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	resp, err := web.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	reader := &eventReader{events: make(chan sent, 1000), retry: make(chan string, 1), status: resp.StatusCode}
	read := make(chan struct{})
	reader.stop = func() {
		cancel()
		<-read
		web.Close()
	}
	t.Cleanup(reader.stop)
	go func() {
		defer close(read)
		defer close(reader.events)
		defer resp.Body.Close()
		reader.read(bufio.NewReader(resp.Body))
	}()
	return reader
}

func (r *eventReader) read(in *bufio.Reader) {
	var e sent
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSuffix(line, "\n")
		field, value, _ := strings.Cut(line, ": ")
		switch {
		case line == "" && e.kind != "":
			r.events <- e
			e = sent{}
		case line == ":":
			e.kind = ":"
		case field == "event":
			e.kind = value
		case field == "id":
			e.id = value
		case field == "data":
			e.data = value
		case field == "retry":
			r.retry <- value
		}
	}
}

// next returns the next event of a kind.
func (r *eventReader) next(t testing.TB, kind string) sent {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case e, ok := <-r.events:
			if !ok {
				t.Fatalf("the stream ended before a %s event", kind)
			}
			if e.kind == kind {
				return e
			}
		case <-deadline:
			t.Fatalf("no %s event within %s", kind, patience)
		}
	}
}

// ended waits for the end of the stream.
func (r *eventReader) ended(t testing.TB) {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case _, ok := <-r.events:
			if !ok {
				return
			}
		case <-deadline:
			t.Fatal("the stream goes on")
		}
	}
}

func TestEventsBeginWithAPictureAndGoOnWithChanges(t *testing.T) {
	s := startServer(t)
	place(t, s, named(t, "alice"))
	stream := follow(t, s.Handler(), "")
	first := stream.next(t, "snapshot")
	var picture httpPicture
	if err := json.Unmarshal([]byte(first.data), &picture); err != nil {
		t.Fatal(err)
	}
	if len(picture.Peers) != 1 || picture.Total != 1 || picture.Network != s.Network || first.id != eventID(s.epoch, 1) {
		t.Errorf("%s %+v", first.id, picture)
	}
	if retry := <-stream.retry; retry != "1000" {
		t.Errorf("retry after %q ms", retry)
	}
	bob := place(t, s, named(t, "<b>bob</b>"))
	got := stream.next(t, "change")
	var change httpChange
	if err := json.Unmarshal([]byte(got.data), &change); err != nil {
		t.Fatal(err)
	}
	if change.Kind != "joined" || change.Peer.ID != bob.claim.peer || change.Peer.Name != "<b>bob</b>" || got.id != eventID(s.epoch, 2) {
		t.Errorf("%s %+v", got.id, change)
	}
	// The page hears of the last minutes too, long after the server's own deadlines.
	var status httpStatus
	if err := json.Unmarshal([]byte(stream.next(t, "status").data), &status); err != nil || len(status.Members) != 1 {
		t.Errorf("%+v, %v", status, err)
	}
	place(t, s)
	stream.next(t, "change")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	stream.ended(t)
}

func TestEventsGoOnWhereTheReaderWas(t *testing.T) {
	s := startServer(t)
	handler := s.Handler()
	first := follow(t, handler, "")
	seen := first.next(t, "snapshot").id
	first.stop()
	place(t, s, named(t, "alice"))
	place(t, s, named(t, "bob"))

	again := follow(t, handler, seen)
	for _, name := range []string{"alice", "bob"} {
		if e := again.next(t, "change"); !strings.Contains(e.data, `"name":"`+name+`"`) {
			t.Errorf("%s, not %s's", e.data, name)
		}
	}
	for name, last := range map[string]string{
		"of another run": eventID(s.epoch+1, 1), "of the future": eventID(s.epoch, 1000), "none": "nonsense",
	} {
		if e := <-follow(t, handler, last).events; e.kind != "snapshot" {
			t.Errorf("after an ID %s: %s %s", name, e.kind, e.data)
		}
	}
	for range journalSize + 1 {
		s.journal.add(change{kind: Updated, entry: entry{claim: &claim{hidden: true}}})
	}
	if e := <-follow(t, handler, seen).events; e.kind != "snapshot" {
		t.Errorf("after an ID that is too old: %s", e.kind)
	}
}

// stalled is a reader that takes nothing until it is let go.
type stalled struct {
	*httptest.ResponseRecorder
	writing chan struct{} // a write has begun
	release chan struct{}
}

func (w *stalled) Write(b []byte) (int, error) {
	select {
	case w.writing <- struct{}{}:
	default:
	}
	<-w.release
	return len(b), nil
}

func TestSlowReaderIsCut(t *testing.T) {
	s := startServer(t)
	w := &stalled{httptest.NewRecorder(), make(chan struct{}, 1), make(chan struct{})}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/api/events", nil)
	handler, done := s.Handler(), make(chan struct{})
	go func() {
		defer close(done)
		handler.ServeHTTP(w, r)
	}()
	<-w.writing
	for range journalSize + 1 {
		s.journal.add(change{kind: Updated, entry: entry{claim: &claim{}}})
	}
	close(w.release)
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("a reader that lags is not cut")
	}
	if s.counts.lagged.Load() != 1 {
		t.Errorf("lagged: %d", s.counts.lagged.Load())
	}
}

func TestEventStreamsAreBounded(t *testing.T) {
	streams := newPlaces(maxEventStreams, maxEventStreamsPerIP)
	var release []func()
	admit := func(addr string) bool {
		f, ok := streams.admit(webOrigin(net.JoinHostPort(addr, "1234")))
		if ok {
			release = append(release, f)
		}
		return ok
	}
	for i := range maxEventStreamsPerIP {
		if !admit("192.0.2.1") || !admit([]string{"2001:db8::1", "2001:db8::2"}[i%2]) {
			t.Fatalf("stream %d of an address is refused", i)
		}
	}
	for _, addr := range []string{"192.0.2.1", "::ffff:192.0.2.1", "2001:db8::3"} {
		if admit(addr) {
			t.Errorf("one more from %s", addr)
		}
	}
	if !admit("192.0.2.2") || !admit("2001:db8:0:1::1") {
		t.Error("others are refused")
	}
	release[0]()
	release = release[1:]
	if !admit("192.0.2.1") {
		t.Error("a closed stream still counts")
	}
	for len(release) < maxEventStreams {
		if !admit("127.0.0.1") {
			t.Fatalf("stream %d in all is refused", len(release))
		}
	}
	if admit("127.0.0.1") || admit("192.0.2.9") {
		t.Error("more than all are admitted")
	}
	for _, f := range release {
		f()
	}
	if streams.total != 0 || len(streams.from) != 0 {
		t.Errorf("%d streams, %v are left", streams.total, streams.from)
	}
}

func TestTooManyPagesAreTold(t *testing.T) {
	s := startServer(t)
	handler := s.Handler()
	from := func(r *http.Request) { r.RemoteAddr = "192.0.2.1:99" }
	for range maxEventStreamsPerIP {
		follow(t, handler, "", from).next(t, "snapshot")
	}
	if refused := follow(t, handler, "", from); refused.status != http.StatusServiceUnavailable {
		t.Errorf("one more: %d", refused.status)
	}
	if s.counts.streamsRefused.Load() != 1 {
		t.Error("not counted")
	}
}

func TestEventsTellWhatPeersTellOfThemselves(t *testing.T) {
	s := startServer(t)
	bob := place(t, s, named(t, "bob"))
	alice := place(t, s, named(t, "alice"))
	stream := follow(t, s.Handler(), "")
	stream.next(t, "snapshot")
	s.mu.Lock()
	linkedTo(bob.claim.peer, newID(t))(s.table.find(alice.id()))
	s.mu.Unlock()
	var told []httpSelf
	if err := json.Unmarshal([]byte(stream.next(t, "told").data), &told); err != nil {
		t.Fatal(err)
	}
	if len(told) != 1 || told[0].ID != alice.claim.peer || told[0].Key != "alice" || told[0].RTT != 1.5 ||
		len(told[0].Neighbours) != 1 || told[0].Neighbours[0] != bob.claim.peer {
		t.Errorf("%+v", told)
	}
}

func TestSelvesAreComparedAsAReaderSeesThem(t *testing.T) {
	one, other := newID(t), newID(t)
	is := self{neighbours: []peer.ID{one}, rtt: 30 * time.Millisecond, agent: "a/1"}
	for _, tt := range []struct {
		name string
		self self
		want bool
	}{
		{"the same", is, true},
		{"a round trip like it", self{neighbours: []peer.ID{one}, rtt: 40 * time.Millisecond, agent: "a/1"}, true},
		{"a longer round trip", self{neighbours: []peer.ID{one}, rtt: 60 * time.Millisecond, agent: "a/1"}, false},
		{"a first round trip", self{neighbours: []peer.ID{one}, rtt: 0, agent: "a/1"}, false},
		{"another link", self{neighbours: []peer.ID{one, other}, rtt: 30 * time.Millisecond, agent: "a/1"}, false},
		{"another agent", self{neighbours: []peer.ID{one}, rtt: 30 * time.Millisecond, agent: "a/2"}, false},
	} {
		if is.like(tt.self) != tt.want || tt.self.like(is) != tt.want {
			t.Errorf("%s: not %v", tt.name, tt.want)
		}
	}
}

// counting counts what is written, and how much of it at once at the most.
type counting struct {
	*httptest.ResponseRecorder
	most int
}

func (w *counting) Write(b []byte) (int, error) {
	w.most = max(w.most, len(b))
	return w.ResponseRecorder.Write(b)
}

// However much there is to tell a page of, little of it waits in memory.
func TestEventsWaitInLittleRoom(t *testing.T) {
	s := startServer(t)
	web := &web{Server: s, selves: newSelves()}
	w := &counting{ResponseRecorder: httptest.NewRecorder()}
	out := &events{w: w, epoch: s.epoch, open: true}
	fat := make([]ma.Multiaddr, maxAddrs)
	for i := range fat {
		fat[i] = ma.StringCast(fmt.Sprintf("/ip6/2001:db8:1111:2222:3333:4444:5555:%x/udp/4001/quic-v1/webtransport", i+1))
	}
	_, id := testKey(t, 1)
	changes := make([]change, eventBatch)
	for i := range changes {
		c := claimOf(id, "", 1)
		c.addrs = fat
		changes[i] = change{kind: Joined, entry: entry{claim: c}}
	}
	out.changes(web, 0, changes)
	out.flush()
	const biggest = 8 << 10
	if all := w.Body.Len(); out.err != nil || strings.Count(w.Body.String(), "event: change\n") != len(changes) || all < 4*eventBytes {
		t.Fatalf("%v; %d bytes are written of %d changes", out.err, all, len(changes))
	}
	if w.most > eventBytes+biggest || out.buf.Cap() > 2*(eventBytes+biggest) {
		t.Errorf("%d bytes at once, in %d", w.most, out.buf.Cap())
	}
}
