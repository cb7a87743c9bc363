package p2p

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	lru "github.com/hashicorp/golang-lru/v2"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// Presence is a peer that announced itself.
type Presence struct {
	peer.AddrInfo        // its addresses are signed by it
	Name          string // what it calls itself: proved by nobody
	Seen          time.Time
}

// presence keeps the online list that needs no server: every node that has
// announced itself publishes a few bytes on its network's presence topic now and
// then. It serves networks of hundreds.
type presence struct {
	node  *Node
	topic *pubsub.Topic
	sub   *pubsub.Subscription
	peers *pubsub.TopicEventHandler
	now   chan struct{} // announce at once

	mu     sync.Mutex
	name   string
	on     bool
	online map[peer.ID]Presence
	latest *lru.Cache[peer.ID, uint64] // sequence numbers, against replays
}

func (n *Node) presenceTopic() string { return n.TopicPrefix() + "presence" }

func newPresence(n *Node) (*presence, error) {
	var err error
	p := &presence{node: n, now: make(chan struct{}, 1), online: make(map[peer.ID]Presence), latest: newCache[peer.ID, uint64](2 * maxPresent)}
	if err := n.pubsub.RegisterTopicValidator(n.presenceTopic(), p.validate, pubsub.WithValidatorInline(true)); err != nil {
		return nil, fmt.Errorf("presence topic: %w", err)
	}
	if p.topic, err = n.pubsub.Join(n.presenceTopic()); err != nil {
		return nil, fmt.Errorf("presence topic: %w", err)
	}
	if p.peers, err = p.topic.EventHandler(); err != nil {
		return nil, fmt.Errorf("presence topic: %w", err)
	}
	if p.sub, err = p.topic.Subscribe(pubsub.WithBufferSize(maxPresent)); err != nil {
		return nil, fmt.Errorf("presence topic: %w", err)
	}
	return p, nil
}

// Announce makes the node visible under a name of 1 to 64 characters in the online
// lists of others, until Close.
func (n *Node) Announce(name string) error {
	if !presentable(name) {
		return fmt.Errorf("announce name %q: want 1 to %d characters of UTF-8", name[:min(len(name), maxPresenceNameBytes)], maxPresenceName)
	}
	n.presence.mu.Lock()
	n.presence.name, n.presence.on = name, true
	n.presence.mu.Unlock()
	n.presence.hurry()
	return nil
}

func presentable(name string) bool {
	return name != "" && len(name) <= maxPresenceNameBytes && utf8.ValidString(name) && utf8.RuneCountInString(name) <= maxPresenceName
}

// Online returns the peers whose announcements hold, by name. The node itself is
// not among them.
func (n *Node) Online() []Presence {
	p := n.presence
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]Presence, 0, len(p.online))
	for _, o := range p.online {
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b Presence) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return out
}

func (p *presence) hurry() {
	select {
	case p.now <- struct{}{}:
	default:
	}
}

// run announces, listens and lets old announcements expire.
func (p *presence) run() {
	ctx := p.node.ctx
	p.node.wg.Go(func() { p.listen(ctx) })
	p.node.wg.Go(func() { // a newcomer among the topic's peers shall hear of us soon
		for {
			ev, err := p.peers.NextPeerEvent(ctx)
			if err != nil {
				return
			}
			if ev.Type == pubsub.PeerJoin {
				p.hurry()
			}
		}
	})
	every := time.NewTicker(presenceTime)
	defer every.Stop()
	expire := time.NewTicker(presenceTime / 4)
	defer expire.Stop()
	// A newcomer may not be ready to hear others when it is first seen.
	again := time.NewTimer(presenceTime)
	defer again.Stop()
	// Newcomers hurry us, but no more than once in a while.
	pause := time.NewTicker(presenceTime / 10)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-expire.C:
			p.expire(time.Now())
			continue
		case <-every.C:
		case <-again.C:
		case <-p.now:
			again.Reset(presenceAgain)
		}
		if err := p.announce(ctx, false); err != nil && ctx.Err() == nil {
			p.node.log.Warn("presence not announced", "error", err)
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
	}
}

func (p *presence) announce(ctx context.Context, leaving bool) error {
	p.mu.Lock()
	name, on := p.name, p.on
	p.on = on && !leaving // nothing is announced after it
	p.mu.Unlock()
	if !on {
		return nil
	}
	data, err := proto.Marshal(&pb.Presence{
		Network: p.node.network, Name: name, Record: p.node.contacts.self().Record, Leaving: leaving,
	})
	if err != nil {
		return err
	}
	return p.topic.Publish(ctx, data)
}

// leave announces that the node goes offline.
func (p *presence) leave() {
	ctx, cancel := context.WithTimeout(p.node.ctx, leaveTime)
	defer cancel()
	if err := p.announce(ctx, true); err != nil {
		p.node.log.Debug("departure not announced", "error", err)
	}
}

// validate lets through what is proved and fits into the list.
func (p *presence) validate(_ context.Context, _ peer.ID, m *pubsub.Message) pubsub.ValidationResult {
	from := m.GetFrom()
	if from == p.node.ID() {
		return pubsub.ValidationAccept
	}
	msg, _, err := p.decode(from, m.GetData())
	if err != nil {
		return pubsub.ValidationReject
	}
	if len(m.GetSeqno()) != 8 {
		return pubsub.ValidationReject
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if last, ok := p.latest.Get(from); ok && binary.BigEndian.Uint64(m.GetSeqno()) <= last {
		return pubsub.ValidationIgnore // a replay, or overtaken
	}
	old, known := p.online[from]
	if known && !msg.GetLeaving() && time.Since(old.Seen) < presenceLeast {
		return pubsub.ValidationIgnore
	}
	if !known && (len(p.online) >= maxPresent || msg.GetLeaving()) {
		return pubsub.ValidationIgnore
	}
	return pubsub.ValidationAccept
}

func (p *presence) decode(from peer.ID, data []byte) (*pb.Presence, peer.AddrInfo, error) {
	if len(data) > wire.MaxRecord+wire.MaxNetworkName+maxPresenceNameBytes+64 {
		return nil, peer.AddrInfo{}, wire.ErrTooLarge
	}
	var msg pb.Presence
	if err := proto.Unmarshal(data, &msg); err != nil {
		return nil, peer.AddrInfo{}, fmt.Errorf("%w: %w", wire.ErrMalformed, err)
	}
	if msg.GetNetwork() != p.node.network || !presentable(msg.GetName()) {
		return nil, peer.AddrInfo{}, wire.ErrMalformed
	}
	addrs, err := p.node.contacts.addrs(wire.Contact{Peer: wire.PeerID(from), Record: msg.GetRecord()})
	return &msg, peer.AddrInfo{ID: from, Addrs: addrs}, err
}

func (p *presence) listen(ctx context.Context) {
	for {
		m, err := p.sub.Next(ctx)
		if errors.Is(err, pubsub.ErrSubscriptionCancelled) || ctx.Err() != nil {
			return
		}
		if err != nil || m.GetFrom() == p.node.ID() {
			continue
		}
		msg, info, err := p.decode(m.GetFrom(), m.GetData())
		if err != nil {
			continue
		}
		p.heard(msg, info, m.ReceivedFrom, binary.BigEndian.Uint64(m.GetSeqno()), time.Now())
	}
}

// heard takes in an announcement that came over the link to via.
func (p *presence) heard(msg *pb.Presence, info peer.AddrInfo, via peer.ID, seqno uint64, now time.Time) {
	info.Addrs = p.node.Dialable(info.Addrs, via)
	p.mu.Lock()
	defer p.mu.Unlock()
	if last, ok := p.latest.Get(info.ID); ok && seqno <= last {
		return // late, or a replay
	}
	p.latest.Add(info.ID, seqno)
	old, known := p.online[info.ID]
	if msg.GetLeaving() {
		if known {
			p.drop(old)
		}
		return
	}
	if !known && len(p.online) >= maxPresent {
		return
	}
	p.online[info.ID] = Presence{AddrInfo: info, Name: msg.GetName(), Seen: now}
	if !known || old.Name != msg.GetName() {
		p.node.events.Publish(Event{Kind: PresenceUp, Peer: info.ID, Name: msg.GetName()})
	}
}

func (p *presence) expire(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, o := range p.online {
		if now.Sub(o.Seen) > presenceExpiry {
			p.drop(o)
		}
	}
}

func (p *presence) drop(o Presence) {
	delete(p.online, o.ID)
	p.node.events.Publish(Event{Kind: PresenceDown, Peer: o.ID, Name: o.Name})
}
