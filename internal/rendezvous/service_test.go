package rendezvous

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// Started by packages that libp2p imports, for as long as the process runs.
		goleak.IgnoreAnyFunction("github.com/ipfs/go-log/v2.(*PipeReader).Read"),
		goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"),
		goleak.IgnoreTopFunction("github.com/golang/glog.(*fileSink).flushDaemon"),
	)
}

// patience is how long a test waits for what it expects, on a machine however busy.
const patience = 30 * time.Second

func bounded(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func newHost(t testing.TB) host.Host {
	t.Helper()
	h, err := libp2p.New(
		libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay(), libp2p.DisableMetrics(),
		libp2p.ResourceManager(&network.NullResourceManager{}),
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func startService(t testing.TB, s *Service) *Service {
	t.Helper()
	if s.Host == nil {
		s.Host = newHost(t)
	}
	s.Start()
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func newClient(t testing.TB, s *Service) Client {
	t.Helper()
	h := newHost(t)
	if err := h.Connect(bounded(t), peer.AddrInfo{ID: s.Host.ID(), Addrs: s.Host.Addrs()}); err != nil {
		t.Fatal(err)
	}
	return Client{h}
}

func TestRegisterDiscoverUnregister(t *testing.T) {
	s := startService(t, &Service{})
	server := s.Host.ID()
	alice, bob := newClient(t, s), newClient(t, s)
	ttl, err := alice.Register(bounded(t), server, "my-app", 0)
	if err != nil || ttl != DefaultTTL {
		t.Fatalf("registered for %s, %v", ttl, err)
	}
	if ttl, err := alice.Register(bounded(t), server, "other", time.Minute); err != nil || ttl != time.Minute {
		t.Fatalf("registered for %s, %v", ttl, err)
	}
	found, cookie, err := bob.Discover(bounded(t), server, "my-app", 0, nil)
	if err != nil || len(found) != 1 {
		t.Fatalf("found %v, %v", found, err)
	}
	if f := found[0]; f.Peer.ID != alice.Host.ID() || f.Namespace != "my-app" || f.TTL <= 0 || f.TTL > DefaultTTL {
		t.Fatalf("found %+v", f)
	}
	if err := bob.Host.Connect(bounded(t), found[0].Peer); err != nil {
		t.Fatalf("the addresses do not lead to her: %v", err)
	}
	if found, _, err := bob.Discover(bounded(t), server, "", 0, nil); err != nil || len(found) != 2 {
		t.Fatalf("in all namespaces %v, %v", found, err)
	}
	if _, err := bob.Register(bounded(t), server, "my-app", time.Hour); err != nil {
		t.Fatal(err)
	}
	if found, cookie, err = bob.Discover(bounded(t), server, "my-app", 0, cookie); err != nil || len(found) != 1 || found[0].Peer.ID != bob.Host.ID() {
		t.Fatalf("since then %v, %v", found, err)
	}
	if err := alice.Unregister(bounded(t), server, "my-app"); err != nil {
		t.Fatal(err)
	}
	if found, _, err := alice.Discover(bounded(t), server, "my-app", 0, nil); err != nil || len(found) != 1 || found[0].Peer.ID != bob.Host.ID() {
		t.Fatalf("without her %v, %v", found, err)
	}
	if n := registrations(s); n != 2 {
		t.Fatalf("%d registrations", n)
	}

	// Another run of the server does not know the cookie.
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	startService(t, &Service{Host: s.Host})
	if _, _, err := bob.Discover(bounded(t), server, "my-app", 0, cookie); !HasStatus(err, InvalidCookie) {
		t.Fatalf("the cookie of another run: %v", err)
	}
}

// raw opens a stream on which a test says what it likes.
type raw struct {
	t      testing.TB
	stream network.Stream
	in     *bufio.Reader
}

func open(t testing.TB, c Client, s *Service) raw {
	t.Helper()
	stream, err := c.Host.NewStream(bounded(t), s.Host.ID(), Protocol)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stream.Reset() })
	if err := stream.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return raw{t, stream, bufio.NewReader(stream)}
}

func (r raw) asks(m *pb.RendezvousMessage) *pb.RendezvousMessage {
	r.t.Helper()
	if err := wire.WriteFrame(r.stream, maxResponse, m); err != nil {
		r.t.Fatal(err)
	}
	var reply pb.RendezvousMessage
	if err := wire.ReadFrame(r.in, maxResponse, &reply); err != nil {
		r.t.Fatal(err)
	}
	return &reply
}

func registerMessage(ns string, record []byte, ttl uint64) *pb.RendezvousMessage {
	return &pb.RendezvousMessage{
		Type:     pb.RendezvousType_RENDEZVOUS_REGISTER.Enum(),
		Register: &pb.RendezvousRegister{Ns: &ns, SignedPeerRecord: record, Ttl: &ttl},
	}
}

func discoverMessage(ns string, limit uint64) *pb.RendezvousMessage {
	return &pb.RendezvousMessage{
		Type:     pb.RendezvousType_RENDEZVOUS_DISCOVER.Enum(),
		Discover: &pb.RendezvousDiscover{Ns: &ns, Limit: &limit},
	}
}

func sealed(t testing.TB, h host.Host) []byte {
	t.Helper()
	data, err := sealRecord(peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()}, h.Peerstore().PrivKey(h.ID()))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestServiceRefuses sends on one stream what is refused, and then what is not.
func TestServiceRefuses(t *testing.T) {
	s := startService(t, &Service{})
	alice, bob := newClient(t, s), newClient(t, s)
	own := sealed(t, alice.Host)
	broken := append([]byte(nil), own...)
	broken[len(broken)-1] ^= 1
	other, err := sealRecord(peer.AddrInfo{ID: bob.Host.ID(), Addrs: bob.Host.Addrs()}, alice.Host.Peerstore().PrivKey(alice.Host.ID()))
	if err != nil {
		t.Fatal(err)
	}
	stream := open(t, alice, s)
	for _, c := range []struct {
		what   string
		ns     string
		record []byte
		ttl    uint64
		want   int32
	}{
		{"no namespace", "", own, 0, 100},
		{"a long namespace", strings.Repeat("x", 256), own, 0, 100},
		{"no record", "ns", nil, 0, 101},
		{"a record that is not one", "ns", []byte{1, 2, 3}, 0, 101},
		{"a broken signature", "ns", broken, 0, 101},
		{"signed by another", "ns", other, 0, 101},
		{"too long", "ns", make([]byte, maxRecord+1), 0, 101},
		{"somebody else's", "ns", sealed(t, bob.Host), 0, 200},
		{"four days", "ns", own, 4 * 24 * 3600, 102},
		{"for ever", "ns", own, 1<<64 - 1, 102},
		{"a good one", "ns", own, 72 * 3600, 0},
	} {
		reply := stream.asks(registerMessage(c.ns, c.record, c.ttl))
		r := reply.GetRegisterResponse()
		if reply.GetType() != pb.RendezvousType_RENDEZVOUS_REGISTER_RESPONSE || r.Status == nil || int32(r.GetStatus()) != c.want {
			t.Errorf("%s: %v, want %d", c.what, reply, c.want)
		}
		if (c.want == 0) != (r.Ttl != nil) || (c.want == 0) == (r.GetStatusText() != "") {
			t.Errorf("%s: %v", c.what, reply)
		}
	}
	if r := stream.asks(discoverMessage("ns", 5)).GetDiscoverResponse(); len(r.GetRegistrations()) != 1 || len(r.GetCookie()) == 0 {
		t.Errorf("discovered %v", r)
	}
	if r := stream.asks(discoverMessage(strings.Repeat("x", 256), 5)).GetDiscoverResponse(); r.GetStatus() != 100 {
		t.Errorf("discovered %v", r)
	}
}

// TestMalformedCostsTheStream and nothing else.
func TestMalformedCostsTheStream(t *testing.T) {
	s := startService(t, &Service{})
	alice := newClient(t, s)
	for what, frame := range map[string][]byte{
		"no type":      {2, 0x12, 0},
		"unknown type": {2, 8, 9},
		"an answer":    {2, 8, 1},
		"too long":     {0xff, 0xff, 0x7f},
		"not protobuf": {1, 0xff},
	} {
		stream := open(t, alice, s)
		if _, err := stream.stream.Write(frame); err != nil {
			t.Fatal(err)
		}
		if _, err := stream.in.ReadByte(); !errors.Is(err, network.ErrReset) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := alice.Register(bounded(t), s.Host.ID(), "ns", 0); err != nil {
		t.Error(err)
	}
}

func TestStreamsAreBounded(t *testing.T) {
	s := startService(t, &Service{Limits: Limits{StreamsOfPeer: 2, OpenStreams: 3}})
	alice, bob := newClient(t, s), newClient(t, s)
	for range 2 {
		open(t, alice, s).asks(discoverMessage("ns", 1)) // it is there
	}
	refused := func(c Client) {
		t.Helper()
		stream := open(t, c, s)
		_ = wire.WriteFrame(stream.stream, maxRequest, discoverMessage("ns", 1))
		if _, err := stream.in.ReadByte(); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("a stream too many: %v", err)
		}
	}
	refused(alice)
	open(t, bob, s).asks(discoverMessage("ns", 1))
	refused(bob)
}

func TestRates(t *testing.T) {
	admitted := true
	s := startService(t, &Service{Admit: func(c network.Conn, registering bool) (time.Duration, bool) {
		return time.Microsecond, admitted
	}})
	alice := newClient(t, s)
	if _, err := alice.Register(bounded(t), s.Host.ID(), "ns", 0); err != nil {
		t.Fatal(err)
	}
	admitted = false
	if _, err := alice.Register(bounded(t), s.Host.ID(), "ns", 0); !HasStatus(err, Unavailable) {
		t.Errorf("register over the rate: %v", err)
	}
	if _, _, err := alice.Discover(bounded(t), s.Host.ID(), "ns", 0, nil); !HasStatus(err, Unavailable) {
		t.Errorf("discover over the rate: %v", err)
	}
	if err := alice.Unregister(bounded(t), s.Host.ID(), "ns"); err != nil {
		t.Error(err)
	}
	if n := registrations(s); n != 0 {
		t.Errorf("%d registrations after a removal over the rate", n)
	}
}

// TestLongListInAnswers: what does not fit an answer is in the next.
func TestLongListInAnswers(t *testing.T) {
	s := startService(t, &Service{})
	alice := newClient(t, s)
	record := sealed(t, alice.Host)
	const n = 900
	for i := range n {
		_, err := s.table.Register(time.Now(), "ns", peer.ID(fmt.Sprint(i)), record, 0)
		if err != nil {
			t.Fatal(err)
		}
	}
	for range longAnswers { // readers that do not read
		s.answers <- struct{}{}
	}
	total, answers := 0, 0
	var cookie []byte
	for {
		found, next, err := alice.Discover(bounded(t), s.Host.ID(), "ns", 0, cookie)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 {
			break
		}
		total, answers, cookie = total+len(found), answers+1, next
	}
	if total != n || answers < 5 {
		t.Fatalf("%d of %d in %d answers", total, n, answers)
	}
	for range longAnswers {
		<-s.answers
	}
	if found, _, err := alice.Discover(bounded(t), s.Host.ID(), "ns", 0, nil); err != nil || len(found) != n {
		t.Fatalf("%d of %d in one answer, %v", len(found), n, err)
	}
}

func TestClientDoubtsTheServer(t *testing.T) {
	alice, bob := newHost(t), newHost(t)
	good := &pb.RendezvousRegister{Ns: proto.String("ns"), SignedPeerRecord: sealed(t, alice), Ttl: proto.Uint64(60)}
	elsewhere := &pb.RendezvousRegister{Ns: proto.String("elsewhere"), SignedPeerRecord: sealed(t, bob), Ttl: proto.Uint64(60)}
	forged := &pb.RendezvousRegister{Ns: proto.String("ns"), SignedPeerRecord: append([]byte{}, good.SignedPeerRecord...)}
	forged.SignedPeerRecord[len(forged.SignedPeerRecord)-1] ^= 1
	answer := func(r *pb.RendezvousDiscoverResponse) *pb.RendezvousMessage {
		return &pb.RendezvousMessage{Type: pb.RendezvousType_RENDEZVOUS_DISCOVER_RESPONSE.Enum(), DiscoverResponse: r}
	}
	ok := pb.RendezvousStatus_RENDEZVOUS_OK.Enum()
	found, _, err := decodeDiscovered(answer(&pb.RendezvousDiscoverResponse{Status: ok, Registrations: []*pb.RendezvousRegister{good, elsewhere, forged}}), "ns")
	if err != nil || len(found) != 1 || found[0].Peer.ID != alice.ID() {
		t.Errorf("%v, %v", found, err)
	}
	for what, m := range map[string]*pb.RendezvousMessage{
		"nothing":        {},
		"another kind":   golden[1].m,
		"no status":      answer(&pb.RendezvousDiscoverResponse{}),
		"too many":       answer(&pb.RendezvousDiscoverResponse{Status: ok, Registrations: make([]*pb.RendezvousRegister, MaxResults+1)}),
		"a large cookie": answer(&pb.RendezvousDiscoverResponse{Status: ok, Cookie: make([]byte, maxCookie+1)}),
	} {
		if _, _, err := decodeDiscovered(m, "ns"); !errors.Is(err, errMalformed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, m := range []*pb.RendezvousMessage{{}, golden[5].m, {Type: golden[1].m.Type}} {
		if _, err := decodeRegistered(m); !errors.Is(err, errMalformed) {
			t.Errorf("%v: %v", m, err)
		}
	}
	if ttl, err := decodeRegistered(golden[1].m); err != nil || ttl != DefaultTTL {
		t.Errorf("%s, %v", ttl, err)
	}
	if _, err := decodeRegistered(golden[2].m); !HasStatus(err, NotAuthorized) {
		t.Error(err)
	}
}

// TestClientGivesUp on a server that says nothing, when its caller does.
func TestClientGivesUp(t *testing.T) {
	silent := newHost(t)
	asked := make(chan struct{}, 1)
	silent.SetStreamHandler(Protocol, func(s network.Stream) { asked <- struct{}{} })
	c := Client{newHost(t)}
	if err := c.Host.Connect(bounded(t), peer.AddrInfo{ID: silent.ID(), Addrs: silent.Addrs()}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	if _, _, err := c.Discover(ctx, silent.ID(), "ns", 0, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// registrations is how many a server has.
func registrations(s *Service) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.table.expire(time.Now())
	return s.table.Len()
}
