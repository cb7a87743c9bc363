package names

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/alarm"
)

// holding is a [Holding] in half the room: its words are one string, the key, the name
// and the skeleton where they differ from it, and the owner.
type holding struct {
	alarm.Alarm[time.Duration]   // rings when it ends
	words                        string
	seq                          uint64
	keyEnd, nameEnd, skeletonEnd uint16 // in words
}

func holdingOf(h Holding) *holding {
	out := &holding{seq: h.Seq}
	out.setWords(h)
	return out
}

// ends is what [Holding] tells of it; it is set by the heap.
func (h *holding) ends() time.Duration { return h.Rings() }

func (h *holding) setWords(of Holding) {
	name, skeleton := of.Name, of.Skeleton
	if name == of.Key {
		name = ""
	}
	if skeleton == of.Key {
		skeleton = ""
	}
	h.words = of.Key + name + skeleton + string(of.Owner)
	h.keyEnd = uint16(len(of.Key)) // MaxKey and MaxSkeleton bound them
	h.nameEnd = h.keyEnd + uint16(len(name))
	h.skeletonEnd = h.nameEnd + uint16(len(skeleton))
}

func (h *holding) key() string { return h.words[:h.keyEnd] }

func (h *holding) name() string { return h.orKey(h.words[h.keyEnd:h.nameEnd]) }

func (h *holding) skeleton() string { return h.orKey(h.words[h.nameEnd:h.skeletonEnd]) }

func (h *holding) owner() peer.ID { return peer.ID(h.words[h.skeletonEnd:]) }

func (h *holding) orKey(word string) string {
	if word == "" {
		return h.key()
	}
	return word
}

// whole is the holding with its words apart, which stay the same bytes.
func (h *holding) whole() Holding {
	return Holding{Key: h.key(), Skeleton: h.skeleton(), Name: h.name(), Owner: h.owner(), Seq: h.seq, Ends: h.ends()}
}
