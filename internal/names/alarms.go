package names

import "time"

// holding is a Holding in the heap of alarms.
type holding struct {
	Holding
	alarm time.Duration // not after Ends
	index int           // in alarms
}

// alarms is a heap of all holdings by when they may have ended. A renewal leaves an
// alarm where it is; when it rings it is set again.
type alarms []*holding

func (a alarms) Len() int           { return len(a) }
func (a alarms) Less(i, j int) bool { return a[i].alarm < a[j].alarm }
func (a alarms) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].index, a[j].index = i, j
}

func (a *alarms) Push(x any) {
	h := x.(*holding)
	h.index = len(*a)
	*a = append(*a, h)
}

func (a *alarms) Pop() any {
	last := (*a)[len(*a)-1]
	(*a)[len(*a)-1] = nil
	*a = (*a)[:len(*a)-1]
	return last
}
