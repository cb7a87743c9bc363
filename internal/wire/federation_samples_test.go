package wire

import (
	"bytes"

	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// federationFrames are the messages of federation.proto, one for each body that a
// message may have. An entry of the log is a NamesCommand without a frame around it.
func federationFrames() map[string]proto.Message {
	id := bytes.Repeat([]byte{0xfe}, 16)
	owner, addr := []byte(contact(1).Peer), []byte{4, 192, 0, 2, 1, 6, 0x0f, 0xa1}
	claim := &pb.NamesClaim{
		Key: "alice", Skeleton: "a1ice", Name: "Alice", Owner: owner, Seq: 7,
		MaxPerOwner: 8, MaxNames: 100_000, TermNs: 604_800e9, ReserveNs: 86_400e9,
	}
	renew := &pb.NamesRenew{
		TermNs: 604_800e9, ReserveNs: 86_400e9,
		Renewals: []*pb.NamesRenewal{{Key: "alice", Owner: owner}, {Key: "bob", Owner: []byte(contact(2).Peer)}},
	}
	remove := &pb.NamesRemove{Key: "alice", Owner: owner, Seq: 8}
	consent := &pb.FederationConsent{Incarnation: id, Signature: bytes.Repeat([]byte{0x51}, 64), Addrs: [][]byte{addr}}
	command := func(m *pb.NamesCommand) *pb.NamesCommand {
		m.StampNs, m.RaftTerm = 3600e9, 2
		return m
	}
	request := func(m *pb.FederationRequest) *pb.FederationRequest {
		m.Network = "grapevine"
		return m
	}
	return map[string]proto.Message{
		"names_command_claim":  command(&pb.NamesCommand{Body: &pb.NamesCommand_Claim{Claim: claim}}),
		"names_command_renew":  command(&pb.NamesCommand{Body: &pb.NamesCommand_Renew{Renew: renew}}),
		"names_command_remove": command(&pb.NamesCommand{Body: &pb.NamesCommand_Remove{Remove: remove}}),
		"names_command_tick":   command(&pb.NamesCommand{Body: &pb.NamesCommand_Tick{Tick: &pb.NamesTick{}}}),

		"names_snapshot": &pb.NamesSnapshot{Version: 1, NowNs: 3600e9, Holdings: 1, Removals: 2},
		"names_snapshot_holding": &pb.NamesSnapshotPart{Body: &pb.NamesSnapshotPart_Holding{Holding: &pb.NamesHolding{
			Key: "alice", Skeleton: "a1ice", Name: "Alice", Owner: owner, Seq: 7, EndsNs: 7200e9,
		}}},
		"names_snapshot_removal": &pb.NamesSnapshotPart{Body: &pb.NamesSnapshotPart_Removal{Removal: &pb.NamesRemoval{
			Key: "alice", Owner: owner, Seq: 8, AtNs: 3600e9,
		}}},

		"federation_hello": &pb.FederationHello{
			Network: "grapevine", Federation: id, To: bytes.Repeat([]byte{0x10}, 16), Consent: consent.Signature,
		},
		"federation_welcome": &pb.FederationWelcome{Refusal: "another incarnation"},

		"federation_request_claim":  request(&pb.FederationRequest{Body: &pb.FederationRequest_Claim{Claim: claim}}),
		"federation_request_renew":  request(&pb.FederationRequest{Body: &pb.FederationRequest_Renew{Renew: renew}}),
		"federation_request_remove": request(&pb.FederationRequest{Body: &pb.FederationRequest_Remove{Remove: remove}}),
		"federation_request_status": request(&pb.FederationRequest{Body: &pb.FederationRequest_Status{Status: &pb.FederationStatusQuery{}}}),
		"federation_request_knock": request(&pb.FederationRequest{Body: &pb.FederationRequest_Knock{
			Knock: &pb.FederationKnock{Federation: id, Consent: consent},
		}}),
		"federation_request_change": request(&pb.FederationRequest{Body: &pb.FederationRequest_Change{
			Change: &pb.FederationChange{Peer: owner, Consent: consent},
		}}),
		"federation_request_admit": request(&pb.FederationRequest{Body: &pb.FederationRequest_Admit{
			Admit: &pb.FederationAdmit{Federation: id},
		}}),

		"federation_response_refusal": &pb.FederationResponse{Body: &pb.FederationResponse_Refusal{Refusal: &pb.FederationRefusal{
			Kind:   pb.FederationRefusalKind_FEDERATION_REFUSAL_KIND_NO_MAJORITY,
			Reason: "too few answer", Leader: owner, Answering: 1, Members: 3, Uncertain: true,
		}}},
		"federation_response_outcome": &pb.FederationResponse{Body: &pb.FederationResponse_Outcome{Outcome: &pb.NamesOutcome{
			Kind: pb.NamesOutcomeKind_NAMES_OUTCOME_KIND_TAKEN, Fresh: true, Owner: owner, Name: "Alice", LeftNs: 3600e9,
			Alike: true, Seq: 7, Limit: 8, PerOwner: true, Lost: []uint32{0, 300},
		}}},
		"federation_response_status": &pb.FederationResponse{Body: &pb.FederationResponse_Status{Status: &pb.FederationStatus{
			Incarnation: id, Federation: id, State: "Leader", LastIndex: 1000, AppliedIndex: 999, Leader: owner,
			Members: []*pb.FederationMember{{Peer: owner, Incarnation: id, Addrs: [][]byte{addr}, Voter: true}},
		}}},
		"federation_response_done":    &pb.FederationResponse{Body: &pb.FederationResponse_Done{Done: &pb.FederationDone{Finished: true}}},
		"federation_response_consent": &pb.FederationResponse{Body: &pb.FederationResponse_Consent{Consent: consent}},
	}
}
