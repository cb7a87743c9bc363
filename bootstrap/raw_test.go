package bootstrap

import (
	"bufio"
	"testing"
	"time"
	"unique"

	"github.com/libp2p/go-libp2p/core/host"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// rawTalk opens a stream to a server on which a test says what it likes.
func rawTalk(t testing.TB, h host.Host, s *Server) *talk {
	t.Helper()
	if err := h.Connect(bounded(t), infoOf(s.Host)); err != nil {
		t.Fatal(err)
	}
	stream, err := h.NewStream(bounded(t), s.Host.ID(), wire.Directory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stream.Reset() })
	return &talk{stream, bufio.NewReader(stream)}
}

// asks sends a request on the network of the tests and returns the answer.
func (t *talk) asks(tb testing.TB, req *pb.DirectoryRequest) *pb.DirectoryResponse {
	tb.Helper()
	req.Network = wire.DefaultNetwork
	if err := t.send(req); err != nil {
		tb.Fatal(err)
	}
	resp, err := t.receive(patience)
	if err != nil {
		tb.Fatal(err)
	}
	return resp
}

// code is that of the error in an answer; 0 when it is none.
func code(r *pb.DirectoryResponse) pb.DirectoryErrorCode { return r.GetError().GetCode() }

// sealed signs a claim of a host.
func sealed(t testing.TB, h host.Host, change ...func(*claim)) []byte {
	t.Helper()
	c := &claim{
		particulars: &particulars{h.Addrs()}, expires: secondOf(time.Now().Add(time.Hour)),
		network: unique.Make(wire.DefaultNetwork), name: "alice", peer: h.ID(), seq: 10,
	}
	for _, f := range change {
		f(c)
	}
	data, err := c.seal(h.Peerstore().PrivKey(h.ID()))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func registerRequest(record []byte) *pb.DirectoryRequest {
	return &pb.DirectoryRequest{Body: &pb.DirectoryRequest_Register{Register: &pb.DirectoryRegister{Record: record}}}
}

func removeRequest(record []byte) *pb.DirectoryRequest {
	return &pb.DirectoryRequest{Body: &pb.DirectoryRequest_Remove{Remove: &pb.DirectoryRemove{Record: record}}}
}

func renewRequest(name string) *pb.DirectoryRequest {
	return &pb.DirectoryRequest{Body: &pb.DirectoryRequest_Renew{Renew: &pb.DirectoryRenew{Name: name}}}
}

func lookupRequest(name string) *pb.DirectoryRequest {
	return &pb.DirectoryRequest{Body: &pb.DirectoryRequest_Lookup{Lookup: &pb.DirectoryLookup{Name: name}}}
}

func watchRequest(epoch, from uint64) *pb.DirectoryRequest {
	return &pb.DirectoryRequest{Body: &pb.DirectoryRequest_Watch{Watch: &pb.DirectoryWatch{Epoch: epoch, From: from}}}
}

func sampleRequest() *pb.DirectoryRequest {
	return &pb.DirectoryRequest{Body: &pb.DirectoryRequest_Sample{Sample: &pb.DirectorySample{}}}
}

// errorOf is the name of the code of an answer, "" when it is no error.
func errorOf(r *pb.DirectoryResponse) string {
	if r.GetError() == nil {
		return ""
	}
	return r.GetError().GetCode().String()
}
