package federation

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// attend watches whether somebody leads; while nobody does it asks around: who
// answers, whether this server is still a member, and as which incarnation.
func (f *Federation) attend() {
	ticker := time.NewTicker(f.cfg.Timing.Heartbeat / 4)
	defer ticker.Stop()
	var knocked time.Time
	for {
		if f.isLed() {
			f.mu.Lock()
			f.led, f.removed, f.greeted = time.Now(), false, greeting{}
			f.mu.Unlock()
		}
		if time.Since(knocked) >= f.cfg.Timing.Knock && (f.leader() == "" || f.unsettled()) {
			knocked = time.Now()
			if f.clock() != nil {
				f.readdressSelf()
			} else {
				f.knock(f.ctx)
			}
		}
		select {
		case <-ticker.C:
		case <-f.ctx.Done():
			return
		}
	}
}

// unsettled tells whether this server does not vote yet, for the leader who was to let
// it may be gone, or is reached elsewhere than the others know.
func (f *Federation) unsettled() bool {
	addrs := f.cfg.Addrs()
	for _, s := range f.seats() {
		if s.is(f.self) {
			return !s.voter || len(addrs) > 0 && !sameAddrs(addrBytes(addrs), addrBytes(s.addrs))
		}
	}
	return false
}

func sameAddrs(a, b [][]byte) bool {
	return slices.EqualFunc(a, b, slices.Equal[[]byte])
}

// knock tells all whom this server knows that it is here, and learns from their
// answers. One that lost its store may know nobody who is still there: it asks who
// greets it as what it was, and shows its own consent, to be taken back.
func (f *Federation) knock(ctx context.Context) {
	var wg sync.WaitGroup
	for _, to := range f.acquainted() {
		wg.Go(func() { f.knockAt(ctx, to) })
	}
	f.mu.Lock()
	greeted, own := f.greeted, f.id
	f.mu.Unlock()
	if greeted.by != "" && (own == "" || own == greeted.federation) {
		wg.Go(func() { f.askBack(ctx, peer.AddrInfo{ID: greeted.by}, greeted.federation) })
	}
	wg.Wait()
}

func (f *Federation) knockAt(ctx context.Context, to peer.AddrInfo) {
	knock := &pb.FederationKnock{}
	if id := f.federation(); id != "" {
		self, err := f.signed(id)
		if err != nil {
			return
		}
		knock = &pb.FederationKnock{Federation: []byte(id), Consent: self.consentProto()}
	}
	response, err := f.ask(ctx, to, &pb.FederationRequest{Body: &pb.FederationRequest_Knock{Knock: knock}})
	if errors.Is(err, ErrNotMember) && f.federation() != "" && !f.isLed() { // whoever leads it now
		f.mu.Lock()
		defer f.mu.Unlock()
		if !f.removed {
			f.removed = true
			f.log.Warn("this server was removed from its federation")
		}
		return
	}
	if err != nil {
		f.log.Debug("a fellow does not answer", "fellow", to.ID, "err", err)
		return
	}
	f.learn(ctx, to, response.GetStatus())
}

// learn takes up what a fellow tells of its federation's members. If they count this
// server as one, as another incarnation, it asks to be taken back.
func (f *Federation) learn(ctx context.Context, from peer.AddrInfo, status *pb.FederationStatus) {
	id := random(status.GetFederation())
	own := f.federation()
	if !id.valid() || own != "" && own != id || len(status.GetMembers()) > maxMembers {
		return
	}
	counted := false
	f.mu.Lock()
	for _, m := range status.GetMembers() {
		who, err := peer.IDFromBytes(m.GetPeer())
		addrs, errAddrs := parseAddrs(m.GetAddrs())
		if err != nil || errAddrs != nil {
			continue
		}
		if who == f.self.peer {
			counted = counted || random(m.GetIncarnation()) != f.self.incarnation
		} else if len(f.told) < maxMembers || f.told[who].ID != "" {
			f.told[who] = peer.AddrInfo{ID: who, Addrs: addrs}
		}
	}
	f.mu.Unlock()
	if counted && own == "" {
		f.askBack(ctx, from, id)
	}
}

// askBack asks to be taken back as a new incarnation.
func (f *Federation) askBack(ctx context.Context, to peer.AddrInfo, federation random) {
	self, err := f.signed(federation)
	if err != nil {
		return
	}
	_, err = f.ask(ctx, to, &pb.FederationRequest{Body: &pb.FederationRequest_Knock{
		Knock: &pb.FederationKnock{Federation: []byte(federation), Consent: self.consentProto()},
	}})
	if err != nil {
		f.log.Debug("a fellow does not take this server back", "fellow", to.ID, "err", err)
	}
}

// knocked answers a knock. The leader takes a member that lost its state back, goes
// on with one that was to be added, and notes where a member is reached now.
func (f *Federation) knocked(from peer.ID, knock *pb.FederationKnock) (*pb.FederationResponse, error) {
	id := f.federation()
	if f.clock() == nil || id == "" || random(knock.GetFederation()) != id {
		return f.statusResponse(), nil
	}
	m, err := memberOf(from, f.cfg.Name, id, knock.GetConsent())
	if err != nil {
		return nil, err
	}
	if gone, err := f.settled(change{member: member{peer: from}, remove: true}); gone && err == nil {
		return nil, ErrNotMember
	}
	if !f.isMember(from) {
		return f.statusResponse(), nil
	}
	for _, s := range f.seats() {
		if !s.is(m) {
			continue
		}
		switch {
		case !s.voter:
			if _, err := f.begin(change{member: s.member, back: true}); err != nil {
				return nil, err
			}
		case len(m.addrs) > 0 && !sameAddrs(addrBytes(s.addrs), addrBytes(m.addrs)):
			f.readdress(m)
		}
		return f.statusResponse(), nil
	}
	f.mu.Lock()
	due := !f.changing && time.Since(f.replaced[from]) >= replaceInterval
	if due {
		f.replaced[from] = time.Now() // of members only, so they are few
	}
	f.mu.Unlock()
	if due {
		f.log.Info("a server lost its state and is taken back as a new member", "server", from)
		if _, err := f.begin(change{member: m, back: true}); err != nil {
			return nil, err
		}
	}
	return f.statusResponse(), nil
}

// readdressSelf notes, at the leader, where itself is reached now.
func (f *Federation) readdressSelf() {
	if self, err := f.signed(f.federation()); err == nil {
		f.readdress(self)
	}
}

// readdress notes where a member is reached.
func (f *Federation) readdress(m member) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.changing || f.closed {
		return // it will knock again
	}
	if !slices.ContainsFunc(f.seats(), func(s seat) bool { return s.is(m) }) {
		return // it was removed a moment ago
	}
	f.changing = true
	f.wg.Go(func() {
		err := f.letVote(m)
		if err == nil {
			f.log.Info("a server is reached elsewhere", "server", m.peer, "addrs", m.addrs)
		} else {
			f.log.Debug("where a server is reached could not be noted", "server", m.peer, "err", err)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.changing = false
	})
}
