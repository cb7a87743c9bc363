package p2p

import (
	"fmt"
	"maps"
	"strings"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pspb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// TopicPrefix begins the name of every topic of the node's network. The node's
// PubSub joins no others, and hears of no others.
func (n *Node) TopicPrefix() string { return n.network + "/" }

func (n *Node) startPubSub() error {
	filter := newTopicFilter(n.TopicPrefix())
	drops := &dropCounter{filter: filter}
	ps, err := pubsub.NewGossipSub(n.ctx, n.host,
		pubsub.WithMessageSignaturePolicy(pubsub.StrictSign),
		pubsub.WithPeerOutboundQueueSize(pubsubOutbox),
		pubsub.WithValidateQueueSize(pubsubValidate),
		pubsub.WithMaxMessageSize(pubsubMessage),
		pubsub.WithRawTracer(drops),
		pubsub.WithSubscriptionFilter(pubsub.WrapLimitSubscriptionFilter(filter, maxTopics)),
		pubsub.WithPeerScore(n.scoreParams()),
		pubsub.WithFloodPublish(true),
	)
	if err != nil {
		return fmt.Errorf("pubsub: %w", err)
	}
	n.pubsub = ps
	n.pubsubDrops = drops
	n.presence, err = newPresence(n)
	return err
}

// scoreParams lets a peer that misbehaves or sends invalid messages lose its place.
func (n *Node) scoreParams() (*pubsub.PeerScoreParams, *pubsub.PeerScoreThresholds) {
	const decay = 10 * time.Second
	params := &pubsub.PeerScoreParams{
		SkipAtomicValidation:        true,
		AppSpecificScore:            func(peer.ID) float64 { return 0 },
		BehaviourPenaltyWeight:      -1,
		BehaviourPenaltyThreshold:   6,
		BehaviourPenaltyDecay:       pubsub.ScoreParameterDecay(time.Minute),
		DecayInterval:               decay,
		DecayToZero:                 0.01,
		RetainScore:                 10 * time.Minute,
		IPColocationFactorThreshold: 1, // unused at weight 0: a LAN shares its address
		Topics: map[string]*pubsub.TopicScoreParams{
			n.presenceTopic(): {
				SkipAtomicValidation:           true,
				TopicWeight:                    1,
				TimeInMeshQuantum:              time.Second, // unused at weight 0, but a divisor
				InvalidMessageDeliveriesWeight: -10,
				InvalidMessageDeliveriesDecay:  pubsub.ScoreParameterDecay(10 * time.Minute),
			},
		},
	}
	return params, &pubsub.PeerScoreThresholds{
		SkipAtomicValidation: true,
		GossipThreshold:      -50, PublishThreshold: -100, GraylistThreshold: -200,
	}
}

// topicFilter allows the topics of one network, and so many of each peer. It is used
// by the router's goroutine alone.
type topicFilter struct {
	prefix string
	peers  *lru.Cache[peer.ID, map[string]struct{}] // what each has subscribed to
}

var _ pubsub.SubscriptionFilter = (*topicFilter)(nil)

func newTopicFilter(prefix string) *topicFilter {
	return &topicFilter{prefix, newCache[peer.ID, map[string]struct{}](maxSubscribers)}
}

func (f *topicFilter) CanSubscribe(topic string) bool { return strings.HasPrefix(topic, f.prefix) }

func (f *topicFilter) FilterIncomingSubscriptions(from peer.ID, subs []*pspb.RPC_SubOpts) ([]*pspb.RPC_SubOpts, error) {
	subs = pubsub.FilterSubscriptions(subs, f.CanSubscribe)
	before, _ := f.peers.Get(from)
	topics := make(map[string]struct{}, len(before))
	maps.Copy(topics, before)
	for _, s := range subs {
		if s.GetSubscribe() {
			topics[s.GetTopicid()] = struct{}{}
		} else {
			delete(topics, s.GetTopicid())
		}
	}
	if len(topics) > maxTopics {
		return nil, pubsub.ErrTooManySubscriptions
	}
	f.peers.Add(from, topics)
	return subs, nil
}

// forget is told that the router has forgotten a peer's subscriptions.
func (f *topicFilter) forget(id peer.ID) { f.peers.Remove(id) }

// dropCounter counts what gossipsub drops without a word.
type dropCounter struct {
	filter                           *topicFilter
	dropped, undeliverable, rejected atomic.Uint64
}

var _ pubsub.RawTracer = (*dropCounter)(nil)

func (c *dropCounter) DropRPC(*pubsub.RPC, peer.ID)             { c.dropped.Add(1) }
func (c *dropCounter) UndeliverableMessage(*pubsub.Message)     { c.undeliverable.Add(1) }
func (c *dropCounter) RejectMessage(*pubsub.Message, string)    { c.rejected.Add(1) }
func (c *dropCounter) OnNewOutboundStream(peer.ID, protocol.ID) {}
func (c *dropCounter) OnClosedOutboundStream(id peer.ID)        { c.filter.forget(id) }
func (c *dropCounter) Join(string)                              {}
func (c *dropCounter) Leave(string)                             {}
func (c *dropCounter) Graft(peer.ID, string)                    {}
func (c *dropCounter) Prune(peer.ID, string)                    {}
func (c *dropCounter) ValidateMessage(*pubsub.Message)          {}
func (c *dropCounter) DeliverMessage(*pubsub.Message)           {}
func (c *dropCounter) DuplicateMessage(*pubsub.Message)         {}
func (c *dropCounter) ThrottlePeer(peer.ID)                     {}
func (c *dropCounter) RecvRPC(*pubsub.RPC)                      {}
func (c *dropCounter) SendRPC(*pubsub.RPC, peer.ID)             {}
