package federation

import (
	"bytes"
	"testing"

	"github.com/hashicorp/raft"
	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/names"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

func marshal(f *testing.F, m proto.Message) []byte {
	f.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		f.Fatal(err)
	}
	return data
}

// FuzzHello: nobody is let in who does not show the consent.
func FuzzHello(f *testing.F) {
	s := newServer(f, 1)
	s.start(f, newMemNet(1))
	f.Cleanup(func() { s.stop(f) })
	self, err := s.signed(s.federation())
	if err != nil {
		f.Fatal(err)
	}
	other := []byte(newRandom())
	f.Add(uint8(0b1111), "", []byte{}, []byte{}, []byte{})
	f.Add(uint8(0b1101), "", other, []byte{}, []byte{})
	f.Add(uint8(0b1011), "", []byte{}, other, []byte{})
	f.Add(uint8(0b0111), "", []byte{}, []byte{}, bytes.Repeat([]byte{1}, maxSignature))
	f.Add(uint8(0b1110), "elsewhere", []byte{}, []byte{}, []byte{})
	// The bits of good say which fields are as they should be: what that is differs
	// from process to process.
	f.Fuzz(func(t *testing.T, good uint8, network string, federation, to, consent []byte) {
		hello := &pb.FederationHello{Network: network, Federation: federation, To: to, Consent: consent}
		if good&1 != 0 {
			hello.Network = "test"
		}
		if good&2 != 0 {
			hello.Federation = []byte(s.federation())
		}
		if good&4 != 0 {
			hello.To = []byte(self.incarnation)
		}
		if good&8 != 0 {
			hello.Consent = self.consent
		}
		err := s.judge(s.id, hello)
		same := string(hello.Consent) == string(self.consent) && string(hello.Federation) == string(s.federation()) &&
			string(hello.To) == string(self.incarnation) && hello.Network == "test"
		if (err == nil) != same {
			t.Fatalf("%v: %v", hello, err)
		}
		if s.grants() != nil {
			t.Fatal("the server was made to stop granting")
		}
	})
}

// FuzzRequest: strangers and members alike get an answer or a refusal.
func FuzzRequest(f *testing.F) {
	s := newServer(f, 1)
	s.start(f, newMemNet(1))
	f.Cleanup(func() { s.stop(f) })
	alice := owner(f, 1)
	claim := claimOf(alice, "alice", 1)
	claim.MaxPerOwner, claim.MaxNames, claim.Term = 1, 1, 1
	for _, r := range []*pb.FederationRequest{
		commandRequest(claim), commandRequest(names.Removal{Key: "alice", Owner: alice, Seq: 2}),
		commandRequest(names.Renew{Term: 1, Renewals: []names.Renewal{{Key: "alice", Owner: alice}}}),
		{Body: &pb.FederationRequest_Status{Status: &pb.FederationStatusQuery{}}},
		{Body: &pb.FederationRequest_Knock{Knock: &pb.FederationKnock{Federation: []byte(s.federation()), Consent: s.self.consentProto()}}},
		{Body: &pb.FederationRequest_Admit{Admit: &pb.FederationAdmit{Federation: []byte(s.federation())}}},
	} {
		r.Network = "test"
		f.Add(marshal(f, r), true)
		f.Add(marshal(f, r), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, member bool) {
		var r pb.FederationRequest
		if proto.Unmarshal(data, &r) != nil || r.GetChange() != nil && member {
			return // a member may change the members
		}
		from := alice
		if member {
			from = s.id
		}
		response, err := s.answer(t.Context(), from, &r)
		if (response == nil) == (err == nil) {
			t.Fatalf("%v and %v", response, err)
		}
		if err != nil && len(s.refusal(err).Reason) > maxReason {
			t.Fatalf("a refusal of %q", err)
		}
	})
}

// FuzzMember: an address of raft's configuration is read as it was written.
func FuzzMember(f *testing.F) {
	s := newServer(f, 1)
	m := member{peer: s.id, incarnation: newRandom(), consent: []byte("consent")}
	f.Add(string(m.address()))
	f.Add(string(m.address()) + ",/ip4/127.0.0.1/tcp/4001,/dns/example.org/udp/4001/quic-v1")
	f.Fuzz(func(t *testing.T, address string) {
		m, err := parseMember(raft.ServerAddress(address))
		if err != nil {
			return
		}
		again, err := parseMember(m.address())
		if err != nil || again.id() != m.id() || again.address() != m.address() {
			t.Fatalf("%q came back as %q, %v", address, m.address(), err)
		}
	})
}
