package federation

import (
	"cmp"
	"context"
	"slices"

	"github.com/hashicorp/raft"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// configuration is the newest that raft knows; it may not be settled yet.
func (f *Federation) configuration() raft.Configuration {
	future := f.raft.GetConfiguration()
	_ = future.Error() // never fails
	return future.Configuration()
}

// seat is a member's place in the configuration.
type seat struct {
	member
	voter bool
}

// seats returns the members, in the order of their peer IDs.
func (f *Federation) seats() []seat {
	var all []seat
	for _, s := range f.configuration().Servers {
		if m, err := parseMember(s.Address); err == nil {
			all = append(all, seat{m, s.Suffrage == raft.Voter})
		}
	}
	slices.SortFunc(all, func(a, b seat) int {
		return cmp.Or(cmp.Compare(a.peer, b.peer), cmp.Compare(a.incarnation, b.incarnation))
	})
	return all
}

// admitted tells whether this incarnation of this server is a member.
func (f *Federation) admitted() bool {
	return slices.ContainsFunc(f.configuration().Servers, func(s raft.Server) bool { return s.ID == f.raftID })
}

// isLed tells whether somebody leads this server, as a member.
func (f *Federation) isLed() bool { return f.leader() != "" && f.admitted() }

func (f *Federation) isMember(p peer.ID) bool {
	return slices.ContainsFunc(f.seats(), func(s seat) bool { return s.peer == p })
}

// leader is who leads as far as this server knows, "" if nobody does.
func (f *Federation) leader() peer.ID {
	_, id := f.raft.LeaderWithID()
	m, err := parseID(id)
	if err != nil {
		return ""
	}
	return m.peer
}

// leaderMember is the leader with its addresses.
func (f *Federation) leaderMember() (member, bool) {
	_, id := f.raft.LeaderWithID()
	if id == f.raftID {
		return f.self, true
	}
	leads, err := parseID(id)
	if err != nil {
		return member{}, false
	}
	for _, s := range f.seats() {
		if s.is(leads) {
			return s.member, true
		}
	}
	return member{}, false
}

// acquainted are the servers that this one may learn something from: members, those
// it was given, and those they told of. Each comes with all its addresses: any of them
// may be from before it moved.
func (f *Federation) acquainted() []peer.AddrInfo {
	known := make(map[peer.ID]peer.AddrInfo)
	add := func(info peer.AddrInfo) {
		all := known[info.ID].Addrs
		for _, a := range info.Addrs {
			if !slices.ContainsFunc(all, a.Equal) {
				all = append(all, a)
			}
		}
		known[info.ID] = peer.AddrInfo{ID: info.ID, Addrs: all}
	}
	f.mu.Lock()
	for _, fellow := range f.cfg.Fellows {
		add(fellow)
	}
	for _, info := range f.told {
		add(info)
	}
	f.mu.Unlock()
	for _, s := range f.seats() {
		add(s.info())
	}
	delete(known, f.self.peer)
	all := make([]peer.AddrInfo, 0, len(known))
	for _, info := range known {
		all = append(all, info)
	}
	slices.SortFunc(all, func(a, b peer.AddrInfo) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// consent answers whether this server wants to be a member: of the federation to
// which it belongs, or if it waits of that which a fellow asks it into.
func (f *Federation) consent(ctx context.Context, from peer.ID, federation random) (*pb.FederationResponse, error) {
	knows := func() bool {
		return slices.ContainsFunc(f.acquainted(), func(info peer.AddrInfo) bool { return info.ID == from })
	}
	if own := f.federation(); own != "" && own != federation || !federation.valid() {
		return nil, errOtherFederation
	}
	if !knows() {
		f.knock(ctx) // fellows may tell of a new member
	}
	if !knows() {
		return nil, errStranger
	}
	m, err := f.signed(federation)
	if err != nil {
		return nil, err
	}
	return &pb.FederationResponse{Body: &pb.FederationResponse_Consent{Consent: m.consentProto()}}, nil
}

// signed is this server with its consent and its addresses of now.
func (f *Federation) signed(federation random) (member, error) {
	signature, err := f.cfg.Key.Sign(consentText(f.cfg.Name, federation, f.self.incarnation))
	if err != nil {
		return member{}, err
	}
	addrs, err := parseAddrs(addrBytes(f.cfg.Addrs()))
	if err != nil {
		return member{}, err
	}
	return member{peer: f.self.peer, incarnation: f.self.incarnation, consent: signature, addrs: addrs}, nil
}
