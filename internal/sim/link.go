package sim

import "time"

// link is a stream between two nodes: a dialled b. Either end may close it; what
// it sent before still arrives.
type link struct {
	a, b   int32
	open   time.Duration    // when the handshake is through
	closed [2]bool          // by a, by b
	last   [2]time.Duration // arrival of the last message from a, from b
}

func (l *link) end(node int32) int {
	if node == l.a {
		return 0
	}
	return 1
}

func (l *link) other(node int32) int32 { return l.a ^ l.b ^ node }

// dial returns the link of node to peer, opened if there is none. A dial to a
// node that is not there returns nil and fails later.
func (n *Network) dial(from *node, to int32) *link {
	if l := from.links[to]; l != nil {
		return l
	}
	if int(to) >= len(n.nodes) || !n.reachable(from.id, to) {
		n.queue.plan(n.now+n.cfg.ConnectTimeout, dialFailed, from.id).peer = to
		return nil
	}
	l := &link{a: from.id, b: to, open: n.now + n.latency(from.id, to) + n.latency(to, from.id)}
	from.links[to] = l
	n.nodes[to].links[from.id] = l
	return l
}

// carry plans the arrival of a message over l and returns it.
func (n *Network) carry(l *link, from int32, kind happeningKind) *happening {
	to := l.other(from)
	e := l.end(from)
	at := max(n.now, l.open) + n.latency(from, to)
	if n.cfg.Jitter > 0 {
		at += time.Duration(n.cfg.Jitter * n.rng.Float64() * float64(at-n.now))
	}
	at = max(at, l.last[e])
	l.last[e] = at
	h := n.queue.plan(at, kind, to)
	h.peer, h.link = from, l
	return h
}

// closeLink ends the link of node to peer; the peer hears of it.
func (n *Network) closeLink(from *node, to int32) {
	l := from.links[to]
	if l == nil {
		return
	}
	l.closed[l.end(from.id)] = true
	delete(from.links, to)
	if !l.closed[l.end(to)] && n.reachable(from.id, to) {
		n.carry(l, from.id, loss)
	}
}

// reachable tells whether messages from one node come to the other.
func (n *Network) reachable(from, to int32) bool {
	return n.nodes[to].alive && n.nodes[from].side == n.nodes[to].side
}

// latency of one message. The mean distance of two points of the unit square is
// about 0.52, and so is the median.
func (n *Network) latency(from, to int32) time.Duration {
	if n.cfg.Latency != nil {
		return n.cfg.Latency(int(from), int(to))
	}
	a, b := n.nodes[from], n.nodes[to]
	const median = 0.51
	return max(time.Millisecond, time.Duration(float64(n.cfg.MedianRTT)/2*distance(a.x-b.x, a.y-b.y)/median))
}
