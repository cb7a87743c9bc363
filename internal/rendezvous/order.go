package rendezvous

import "slices"

// order is registrations in the order in which they were made. What is gone is
// swept out when it is the larger part.
type order struct {
	all  []*registration
	live int
}

func (o *order) add(r *registration) {
	o.all = append(o.all, r)
	o.live++
}

// left notes that one of them is gone.
func (o *order) left() {
	o.live--
	if len(o.all) > 2*o.live {
		kept := make([]*registration, 0, o.live+o.live/2)
		for _, r := range o.all {
			if !r.gone {
				kept = append(kept, r)
			}
		}
		o.all = kept
	}
}

// after returns those that follow a sequence number, gone ones included.
func (o *order) after(seq uint64) []*registration {
	i, _ := slices.BinarySearchFunc(o.all, seq+1, func(r *registration, seq uint64) int {
		switch {
		case r.seq < seq:
			return -1
		case r.seq > seq:
			return 1
		}
		return 0
	})
	return o.all[i:]
}
