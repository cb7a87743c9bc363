package bootstrap

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"
)

// recounted counts who is shown from all that is listed.
func recounted(listed []entry) (all population) {
	online := make(map[peer.ID]bool)
	for _, e := range listed {
		online[e.claim.peer] = online[e.claim.peer] || e.online
		if e.claim.name != "" {
			all.Names++
		}
	}
	all.Peers = len(online)
	for _, there := range online {
		if there {
			all.Online++
		}
	}
	return all
}

// TestStoryMachine compares what watchers were told with what is listed, whatever
// this server and its fellows do.
func TestStoryMachine(t *testing.T) {
	type seen struct {
		seq                 uint64
		online, unconfirmed bool
	}
	rapid.Check(t, func(t *rapid.T) {
		table := testTable()
		s := newStory(table)
		now := t0
		watched := map[leaseID]seen{}
		adopting := map[peer.ID]*adoption{}
		// What each fellow has, with the numbers of the records; nil: who knows.
		has := map[peer.ID]map[leaseID]uint64{}
		watch := func(changes []change) {
			for _, c := range changes {
				id := c.entry.id()
				_, there := watched[id]
				switch c.kind {
				case Left, Expired:
					if !there {
						t.Fatalf("%v is gone that was not there", id)
					}
					delete(watched, id)
					continue
				case Joined:
					if there {
						t.Fatalf("%v joins again", id)
					}
				default:
					if !there {
						t.Fatalf("%v is %v, and was not there", id, c.kind)
					}
				}
				watched[id] = seen{c.entry.claim.seq, c.entry.online, c.entry.unconfirmed}
			}
		}
		peers := rapid.SampledFrom([]peer.ID{"a", "b", "c"})
		names := rapid.SampledFrom([]string{"", "x", "y"})
		fellows := rapid.SampledFrom([]peer.ID{"one", "two"})
		draw := func(t *rapid.T) *claim {
			c := claimOf(peers.Draw(t, "peer"), names.Draw(t, "name"), rapid.Uint64Range(1, 5).Draw(t, "seq"))
			c.hidden = c.seq%3 == 0
			return c
		}
		theirs := func(t *rapid.T) entry {
			return entry{
				claim: draw(t), online: rapid.Bool().Draw(t, "online"), unconfirmed: rapid.Bool().Draw(t, "unconfirmed"),
				since: momentOf(now), expires: momentOf(now.Add(time.Minute)),
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"grant": func(t *rapid.T) {
				c := draw(t)
				watch(s.retell(table.oust(c.key, c.peer)))
				_, changes, undo, err := table.grant(now, c, manner{})
				watch(s.retell(changes))
				if err == nil && rapid.Bool().Draw(t, "undo") {
					watch(s.retell(undo()))
				}
			},
			"renew": func(t *rapid.T) {
				changes, _ := table.renew(now, leaseID{peers.Draw(t, "peer"), nameKey(names.Draw(t, "name"))}, nil)
				watch(s.retell(changes))
			},
			"remove": func(t *rapid.T) {
				changes, _, _ := table.remove(now, gone(draw(t)))
				watch(s.retell(changes))
			},
			"presence": func(t *rapid.T) {
				watch(s.retell(table.presence(now, peers.Draw(t, "peer"), rapid.Bool().Draw(t, "online"))))
			},
			"time": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(1, 50).Draw(t, "seconds")) * time.Second)
				watch(s.retell(table.expire(now)))
				watch(s.expire(now))
			},
			"adopt": func(t *rapid.T) {
				var all []entry
				for range rapid.IntRange(0, 4).Draw(t, "count") {
					e := theirs(t)
					if !slices.ContainsFunc(all, func(o entry) bool { return o.id() == e.id() }) {
						all = append(all, e)
					}
				}
				fellow := fellows.Draw(t, "fellow")
				adopting[fellow] = s.adopt(fellow, slices.Clone(all))
				has[fellow] = map[leaseID]uint64{}
				for _, e := range all {
					has[fellow][e.id()] = e.claim.seq
				}
			},
			"adopt on": func(t *rapid.T) {
				fellow := fellows.Draw(t, "fellow")
				if adopting[fellow] == nil {
					t.Skip()
				}
				changes, more := adopting[fellow].some(rapid.IntRange(1, 3).Draw(t, "some"))
				watch(changes)
				if !more {
					delete(adopting, fellow)
				}
			},
			"tell": func(t *rapid.T) {
				e := theirs(t)
				c := change{kind: rapid.SampledFrom([]ChangeKind{Joined, Updated, Away, Left, Expired}).Draw(t, "kind"), entry: e}
				if c.kind == Left && rapid.Bool().Draw(t, "in words") {
					c.removal = gone(e.claim)
				}
				fellow := fellows.Draw(t, "fellow")
				watch(s.tell(fellow, c))
				switch {
				case has[fellow] == nil:
				case c.removal == nil && c.kind != Left && c.kind != Expired:
					if e.claim.seq > s.removed[e.id()] {
						has[fellow][e.id()] = e.claim.seq
					}
				case c.removal == nil:
					delete(has[fellow], e.id())
				}
			},
			"lose": func(t *rapid.T) {
				fellow := fellows.Draw(t, "fellow")
				s.lose(now, fellow)
				delete(adopting, fellow)
				delete(has, fellow)
			},
			"forget": func(t *rapid.T) {
				fellow := fellows.Draw(t, "fellow")
				s.forget(now, fellow)
				if a := adopting[fellow]; a != nil {
					if changes, more := a.some(1); len(changes) > 0 || more {
						t.Fatalf("of no fellow %v are taken up", changes)
					}
				}
				delete(adopting, fellow)
				delete(has, fellow)
			},
			"oust": func(t *rapid.T) {
				key, owner := nameKey(rapid.SampledFrom([]string{"x", "y"}).Draw(t, "key")), peers.Draw(t, "owner")
				watch(s.retell(table.oust(key, owner)))
				for fellow, tale := range s.fellows {
					if holder := tale.owners[key]; holder != owner {
						delete(has[fellow], leaseID{holder, key})
					}
				}
				watch(s.oust(key, owner))
			},
			"": func(t *rapid.T) {
				listed := s.list(now)
				if len(listed) != len(watched) {
					t.Fatalf("%d are listed, %d watched", len(listed), len(watched))
				}
				for _, e := range listed {
					if got, there := watched[e.id()]; !there || got != (seen{e.claim.seq, e.online, e.unconfirmed}) || e.claim.hidden {
						t.Fatalf("%v is listed as %+v, watched as %+v", e.id(), e, got)
					}
				}
				if got, want := s.people, recounted(listed); got.population != want || len(got.each) != want.Peers {
					t.Fatalf("counted are %+v, and there are %+v", got, want)
				}
				for fellow, all := range has {
					if adopting[fellow] != nil {
						continue
					}
					maps.DeleteFunc(all, func(id leaseID, seq uint64) bool { return seq <= s.removed[id] })
					told := map[leaseID]uint64{}
					for id, e := range s.fellows[fellow].entries {
						told[id] = e.claim.seq
					}
					if !maps.Equal(told, all) {
						t.Fatalf("%s has %v, and what is known of it is %v", fellow, all, told)
					}
				}
				for fellow, tale := range s.fellows {
					size, owners := 0, 0
					for id, e := range tale.entries {
						size += int(e.cost)
						if tale.order[e.place] != e || e.round > tale.round {
							t.Fatalf("%s: %v is out of place", fellow, id)
						}
						if id.key != "" && tale.owners[id.key] == id.peer {
							owners++
						}
					}
					if size != tale.size || len(tale.order) != len(tale.entries) || owners != len(tale.owners) {
						t.Fatalf("%s: the sums are wrong", fellow)
					}
				}
			},
		})
	})
}
