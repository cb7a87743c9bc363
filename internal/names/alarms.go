package names

// alarms is a heap of all holdings by when they may have ended. A renewal leaves an
// alarm where it is; when it rings it is set again.
type alarms []*holding

func (a alarms) Len() int           { return len(a) }
func (a alarms) Less(i, j int) bool { return a[i].alarm < a[j].alarm }
func (a alarms) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].index, a[j].index = int32(i), int32(j)
}

func (a *alarms) Push(x any) {
	h := x.(*holding)
	h.index = int32(len(*a))
	*a = append(*a, h)
}

func (a *alarms) Pop() any {
	last := (*a)[len(*a)-1]
	(*a)[len(*a)-1] = nil
	*a = (*a)[:len(*a)-1]
	return last
}
