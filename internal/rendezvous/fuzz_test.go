package rendezvous

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// seedRecord is a signed peer record of a key that does not change.
func seedRecord(t testing.TB) (peer.ID, []byte) {
	key, _, err := crypto.GenerateEd25519Key(bytes.NewReader(make([]byte, 64)))
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	data, err := sealRecord(peer.AddrInfo{ID: id, Addrs: []ma.Multiaddr{ma.StringCast("/ip4/192.0.2.1/tcp/4001")}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return id, data
}

// FuzzStream feeds a service's stream with anything: it answers or gives up, and
// what it answers decodes.
func FuzzStream(f *testing.F) {
	id, record := seedRecord(f)
	var all bytes.Buffer
	for _, g := range golden {
		frame, err := hex.DecodeString(g.hex)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frame)
	}
	for _, m := range []*pb.RendezvousMessage{registerMessage("ns", record, 60), discoverMessage("ns", 5), golden[3].m} {
		if err := wire.WriteFrame(&all, maxRequest, m); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(all.Bytes())
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x7f})
	s := startService(f, &Service{Limits: Limits{RegistrationsAll: 20}})
	f.Fuzz(func(t *testing.T, in []byte) {
		stream := &fakeStream{in: bytes.NewReader(in), conn: fakeConn{id: id}}
		s.serve(stream)
		out := bufio.NewReader(&stream.out)
		for {
			var m pb.RendezvousMessage
			err := wire.ReadFrame(out, maxResponse, &m)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("an answer that does not decode: %v", err)
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if err := s.table.check(); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzAnswer decodes anything as what a server answers.
func FuzzAnswer(f *testing.F) {
	_, record := seedRecord(f)
	add := func(m *pb.RendezvousMessage) {
		data, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, g := range golden {
		add(g.m)
	}
	add(&pb.RendezvousMessage{
		Type: golden[5].m.Type,
		DiscoverResponse: &pb.RendezvousDiscoverResponse{
			Status: pb.RendezvousStatus_RENDEZVOUS_OK.Enum(), Registrations: []*pb.RendezvousRegister{registerMessage("ns", record, 60).Register},
		},
	})
	f.Fuzz(func(t *testing.T, in []byte) {
		var m pb.RendezvousMessage
		if proto.Unmarshal(in, &m) != nil {
			return
		}
		if ttl, err := decodeRegistered(&m); err == nil && (ttl < time.Second || ttl > MaxTTL) {
			t.Fatal(ttl)
		}
		found, cookie, err := decodeDiscovered(&m, "")
		if err == nil && (len(found) > MaxResults || len(cookie) > maxCookie) {
			t.Fatal(len(found), len(cookie))
		}
		for _, one := range found {
			if one.Peer.ID == "" || len(one.Peer.Addrs) == 0 || one.TTL < time.Second || one.TTL > MaxTTL {
				t.Fatalf("%+v", one)
			}
		}
	})
}

// fakeStream is a stream without a network. Of the rest nothing is called.
type fakeStream struct {
	network.Stream
	in   io.Reader
	out  bytes.Buffer
	conn network.Conn
}

func (s *fakeStream) Read(b []byte) (int, error)       { return s.in.Read(b) }
func (s *fakeStream) SetReadDeadline(time.Time) error  { return nil }
func (s *fakeStream) SetWriteDeadline(time.Time) error { return nil }
func (s *fakeStream) Close() error                     { return nil }
func (s *fakeStream) Reset() error                     { return nil }
func (s *fakeStream) Conn() network.Conn               { return s.conn }

// Write bounds what a test keeps.
func (s *fakeStream) Write(b []byte) (int, error) {
	if s.out.Len() > 1<<20 {
		return 0, io.ErrClosedPipe
	}
	return s.out.Write(b)
}

type fakeConn struct {
	network.Conn
	id peer.ID
}

func (c fakeConn) RemotePeer() peer.ID { return c.id }
