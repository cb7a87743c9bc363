package bootstrap

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// self is what a peer tells of itself besides its record, unsigned and by its
// choice. It is not changed once it is made.
type self struct {
	neighbours []peer.ID
	rtt        time.Duration
	agent      string // safe to show
	strangers  int    // of the neighbours: those whose IDs are kept here only
}

// same reports whether the picture is: a round trip is never the same.
func (s self) same(other self) bool {
	return s.agent == other.agent && slices.Equal(s.neighbours, other.neighbours)
}

// kept is what is told, to keep; nil if that is nothing.
func (s self) kept() *self {
	if s.agent == "" && s.rtt == 0 && len(s.neighbours) == 0 {
		return nil
	}
	return &s
}

// costOf is the number of bytes that a registration takes.
func costOf(c *claim, s self) int {
	return entryCost + len(c.sealed) + len(c.name) + len(c.key) + len(s.agent) + neighbourCost*len(s.neighbours) + strangerCost*s.strangers
}

// maxRTT bounds what is believed of a round trip; a request gives up earlier.
const maxRTT = time.Minute

// decodeSelf takes of what a peer tells what is sound.
func decodeSelf(p *pb.DirectorySelf) self {
	out := self{agent: plain(p.GetAgent())}
	if rtt := p.GetRttUs(); rtt <= uint64(maxRTT/time.Microsecond) {
		out.rtt = time.Duration(rtt) * time.Microsecond
	}
	for _, b := range p.GetNeighbours()[:min(maxNeighbours, len(p.GetNeighbours()))] {
		if id, err := peer.IDFromBytes(b); err == nil && len(b) <= wire.MaxPeerID {
			out.neighbours = append(out.neighbours, id)
		}
	}
	return out
}

func encodeSelf(s self) *pb.DirectorySelf {
	if s.kept() == nil {
		return nil
	}
	out := &pb.DirectorySelf{RttUs: uint64(max(0, s.rtt).Microseconds()), Agent: plain(s.agent)}
	for _, id := range s.neighbours[:min(maxNeighbours, len(s.neighbours))] {
		out.Neighbours = append(out.Neighbours, []byte(id))
	}
	return out
}

// plain leaves of an agent's name what a screen can be trusted with.
func plain(agent string) string {
	agent = agent[:min(4*maxAgent, len(agent))] // whatever a hostile peer sends
	agent = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsGraphic(r) || r == blankBraille ||
			unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) {
			return -1
		}
		return r
	}, agent)
	agent = strings.TrimSpace(agent)
	for len(agent) > maxAgent {
		_, size := utf8.DecodeLastRuneInString(agent)
		agent = agent[:len(agent)-size]
	}
	return agent
}
