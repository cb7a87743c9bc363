package rendezvous

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// golden is one of each message with its frame. The bytes are libp2p's, written by
// hand from the field numbers of the specification.
var golden = []struct {
	name string
	m    *pb.RendezvousMessage
	hex  string
}{
	{"register", &pb.RendezvousMessage{
		Type:     pb.RendezvousType_RENDEZVOUS_REGISTER.Enum(),
		Register: &pb.RendezvousRegister{Ns: proto.String("my-app"), SignedPeerRecord: []byte{1, 2, 3}, Ttl: proto.Uint64(7200)},
	}, "14" + "0800" + "1210" + "0a066d792d617070" + "1203010203" + "18a038"},
	{"registered", &pb.RendezvousMessage{
		Type:             pb.RendezvousType_RENDEZVOUS_REGISTER_RESPONSE.Enum(),
		RegisterResponse: &pb.RendezvousRegisterResponse{Status: pb.RendezvousStatus_RENDEZVOUS_OK.Enum(), Ttl: proto.Uint64(7200)},
	}, "09" + "0801" + "1a05" + "0800" + "18a038"},
	{"refused", &pb.RendezvousMessage{
		Type:             pb.RendezvousType_RENDEZVOUS_REGISTER_RESPONSE.Enum(),
		RegisterResponse: &pb.RendezvousRegisterResponse{Status: pb.RendezvousStatus_RENDEZVOUS_NOT_AUTHORIZED.Enum(), StatusText: proto.String("no")},
	}, "0b" + "0801" + "1a07" + "08c801" + "12026e6f"},
	{"unregister", &pb.RendezvousMessage{
		Type:       pb.RendezvousType_RENDEZVOUS_UNREGISTER.Enum(),
		Unregister: &pb.RendezvousUnregister{Ns: proto.String("my-app")},
	}, "0c" + "0802" + "2208" + "0a066d792d617070"},
	{"discover", &pb.RendezvousMessage{
		Type:     pb.RendezvousType_RENDEZVOUS_DISCOVER.Enum(),
		Discover: &pb.RendezvousDiscover{Ns: proto.String("my-app"), Limit: proto.Uint64(10), Cookie: []byte{9}},
	}, "11" + "0803" + "2a0d" + "0a066d792d617070" + "100a" + "1a0109"},
	{"discovered", &pb.RendezvousMessage{
		Type: pb.RendezvousType_RENDEZVOUS_DISCOVER_RESPONSE.Enum(),
		DiscoverResponse: &pb.RendezvousDiscoverResponse{
			Registrations: []*pb.RendezvousRegister{{Ns: proto.String("my-app"), SignedPeerRecord: []byte{1, 2, 3}, Ttl: proto.Uint64(60)}},
			Cookie:        []byte{9},
			Status:        pb.RendezvousStatus_RENDEZVOUS_OK.Enum(),
		},
	}, "1a" + "0804" + "3216" + "0a0f" + "0a066d792d617070" + "1203010203" + "183c" + "120109" + "1800"},
	{"lost cookie", &pb.RendezvousMessage{
		Type:             pb.RendezvousType_RENDEZVOUS_DISCOVER_RESPONSE.Enum(),
		DiscoverResponse: &pb.RendezvousDiscoverResponse{Status: pb.RendezvousStatus_RENDEZVOUS_INVALID_COOKIE.Enum(), StatusText: proto.String("no")},
	}, "0a" + "0804" + "3206" + "1867" + "22026e6f"},
}

func TestGolden(t *testing.T) {
	for _, g := range golden {
		var frame bytes.Buffer
		if err := wire.WriteFrame(&frame, maxResponse, g.m); err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(frame.Bytes()); got != g.hex {
			t.Errorf("%s is %s, want %s", g.name, got, g.hex)
		}
		var back pb.RendezvousMessage
		if err := wire.ReadFrame(bufio.NewReader(&frame), maxResponse, &back); err != nil || !proto.Equal(&back, g.m) {
			t.Errorf("%s comes back as %v, %v", g.name, &back, err)
		}
	}
}
