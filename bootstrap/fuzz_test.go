package bootstrap

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"testing"
	"time"
	"unique"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// goldenRecord is what alice signs in the golden bytes.
func goldenRecord(t testing.TB) []byte {
	key, id := testKey(t, 1)
	data, err := (&claim{
		particulars: &particulars{}, expires: 1_800_000_000,
		network: unique.Make("grapevine"), name: "alice", peer: id, seq: 7,
	}).seal(key)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// golden is one of each message with its bytes, which must never change.
func golden(t testing.TB) []struct {
	name string
	m    proto.Message
	hex  string
} {
	rec := []byte{1, 2, 3}
	entry := &pb.DirectoryEntry{Record: rec, Online: true, AgeMs: 1000, LeftMs: 59000}
	req := func(r *pb.DirectoryRequest) *pb.DirectoryRequest {
		r.Id, r.Network = 5, "grapevine"
		return r
	}
	resp := func(r *pb.DirectoryResponse) *pb.DirectoryResponse {
		r.Id = 5
		return r
	}
	return []struct {
		name string
		m    proto.Message
		hex  string
	}{
		{"register", req(&pb.DirectoryRequest{Body: &pb.DirectoryRequest_Register{Register: &pb.DirectoryRegister{Record: rec}}}), "08051209677261706576696e651a050a03010203"},
		{"renew", req(renewRequest("alice")), "08051209677261706576696e6522070a05616c696365"},
		{"lookup", req(&pb.DirectoryRequest{Body: &pb.DirectoryRequest_Lookup{Lookup: &pb.DirectoryLookup{Name: "alice"}}}), "08051209677261706576696e652a070a05616c696365"},
		{"remove", req(removeRequest(rec)), "08051209677261706576696e6532050a03010203"},
		{"list", req(&pb.DirectoryRequest{Body: &pb.DirectoryRequest_List{List: &pb.DirectoryList{}}}), "08051209677261706576696e653a00"},
		{"watch", req(watchRequest(3, 4)), "08051209677261706576696e65420408031004"},
		{"sample", req(&pb.DirectoryRequest{Body: &pb.DirectoryRequest_Sample{Sample: &pb.DirectorySample{Max: 6}}}), "08051209677261706576696e654a020806"},
		{"error", resp(&pb.DirectoryResponse{Body: &pb.DirectoryResponse_Error{Error: &pb.DirectoryError{
			Code: pb.DirectoryErrorCode_DIRECTORY_ERROR_NAME_TAKEN, Reason: "no", Owner: []byte{9}, LeftMs: 1, Seq: 2, RetryMs: 3,
		}}}), "0805120f080412026e6f1a0109200128023003"},
		{"granted", resp(&pb.DirectoryResponse{Body: &pb.DirectoryResponse_Granted{Granted: &pb.DirectoryGranted{LeaseMs: 60000, Fresh: true}}}), "08051a0608e0d4031001"},
		{"entry", resp(&pb.DirectoryResponse{Body: &pb.DirectoryResponse_Entry{Entry: entry}}), "0805220e0a03010203100118e80720f8cc03"},
		{"removed", resp(&pb.DirectoryResponse{Body: &pb.DirectoryResponse_Removed{Removed: &pb.DirectoryRemoved{}}}), "08052a00"},
		{"page", resp(&pb.DirectoryResponse{Body: &pb.DirectoryResponse_Page{Page: &pb.DirectoryPage{
			Entries: []*pb.DirectoryEntry{entry}, Last: true, Epoch: 3, Revision: 4,
		}}}), "080532160a0e0a03010203100118e80720f8cc03100118032004"},
		{"change", resp(&pb.DirectoryResponse{Body: &pb.DirectoryResponse_Change{Change: &pb.DirectoryChange{
			Epoch: 3, Revision: 4, Kind: pb.DirectoryChangeKind_DIRECTORY_CHANGE_AWAY, Entry: entry,
		}}}), "08053a16080310041803220e0a03010203100118e80720f8cc03"},
		{"stored", &pb.DirectoryStored{Record: rec, SinceUnixMs: 1, EndedPeer: []byte{9}, EndedName: "alice"}, "0a0301020310011a01092205616c696365"},
	}
}

func TestGolden(t *testing.T) {
	for _, g := range golden(t) {
		got, err := proto.MarshalOptions{Deterministic: true}.Marshal(g.m)
		if err != nil {
			t.Fatal(err)
		}
		if hex.EncodeToString(got) != g.hex {
			t.Errorf("%s is %x, want %s", g.name, got, g.hex)
		}
	}
	const want = "0a24080112208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c" +
		"12172f677261706576696e652f726567697374726174696f6e" +
		"1a430a09677261706576696e651205616c6963651a260024080112208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c20073880a0f1c2b134" +
		"2a40f52ce7c79b2e08643e600dcdf2884a461f0ad8e7c4a89af34023c9521ac12ae944d47ebbb41139e25683844a5d4b649b98b2dafcf06af4d7fc285752da302004"
	if got := hex.EncodeToString(goldenRecord(t)); got != want {
		t.Errorf("the signed record is %s, want %s", got, want)
	}
}

// FuzzStream feeds a server's stream with anything: it answers or gives up, and
// what it answers is within the limits.
func FuzzStream(f *testing.F) {
	var all bytes.Buffer
	for _, g := range golden(f) {
		if req, ok := g.m.(*pb.DirectoryRequest); ok && req.GetWatch() == nil {
			var one bytes.Buffer
			if err := wire.WriteFrame(io.MultiWriter(&one, &all), maxRequest, g.m); err != nil {
				f.Fatal(err)
			}
			f.Add(one.Bytes())
		}
	}
	var signed bytes.Buffer
	if err := wire.WriteFrame(&signed, maxRequest, &pb.DirectoryRequest{Network: "grapevine", Body: registerRequest(goldenRecord(f)).Body}); err != nil {
		f.Fatal(err)
	}
	f.Add(signed.Bytes())
	f.Add(all.Bytes())
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x7f})
	s := startServer(f, func(s *Server) { s.Limits = Limits{RequestsPerPeer: math.MaxFloat32} })
	_, id := testKey(f, 1)
	f.Fuzz(func(t *testing.T, in []byte) {
		if watches(in) {
			t.Skip("a watch lasts as long as its stream")
		}
		stream := &fakeStream{in: bytes.NewReader(in), conn: fakeConn{id: id}}
		s.serve(stream)
		out := bufio.NewReader(&stream.out)
		for {
			var resp pb.DirectoryResponse
			err := wire.ReadFrame(out, maxResponse, &resp)
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

func watches(in []byte) bool {
	r := bufio.NewReader(bytes.NewReader(in))
	for {
		var req pb.DirectoryRequest
		if wire.ReadFrame(r, maxRequest, &req) != nil {
			return false
		}
		if req.GetWatch() != nil {
			return true
		}
	}
}

// FuzzRecord opens anything as a signed record.
func FuzzRecord(f *testing.F) {
	f.Add(goldenRecord(f))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := openClaim(in, "grapevine", time.UnixMilli(1_800_000_000_000))
		if err != nil {
			return
		}
		if c.peer == "" || len(c.addrs) > maxAddrs || c.seq == 0 || string(c.slimmed().envelope()) != string(in) {
			t.Fatalf("%+v", c)
		}
	})
}

// FuzzResponse decodes anything as what a server answers.
func FuzzResponse(f *testing.F) {
	for _, g := range golden(f) {
		if m, ok := g.m.(*pb.DirectoryResponse); ok {
			data, err := proto.Marshal(m)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var resp pb.DirectoryResponse
		if proto.Unmarshal(in, &resp) != nil {
			return
		}
		if e := resp.GetError(); e != nil {
			if err := decodeError(e, "alice", t0); err == nil || len(err.Error()) > 8*maxReason {
				t.Fatalf("%v", err)
			}
		}
		for _, e := range resp.GetPage().GetEntries() {
			_, _ = decodeEntry(e, "grapevine", t0)
		}
		if e, err := decodeEntry(resp.GetEntry(), "grapevine", t0); err == nil && e.expires < momentOf(t0) {
			t.Fatalf("%+v", e)
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

func (c fakeConn) RemotePeer() peer.ID           { return c.id }
func (c fakeConn) RemoteMultiaddr() ma.Multiaddr { return nil }
