package overlay

// aging is a table that forgets: at most size entries, none longer than life.
// It holds two generations; when the young one is full or half a life old, the
// old one is thrown away and its memory used again. So nothing is allocated
// once it has grown, and an entry lasts for half to all of a life.
type aging[K comparable, V any] struct {
	size int
	life instant
	born instant // of the young generation
	gens [2]generation[K, V]
}

type generation[K comparable, V any] struct {
	index  map[K]int32
	values []V
}

func newAging[K comparable, V any](size int, life instant) aging[K, V] {
	t := aging[K, V]{size: size, life: life}
	for i := range t.gens {
		t.gens[i].index = make(map[K]int32)
	}
	return t
}

// find returns the entry of k, or nil. The pointer is good until the next add.
func (t *aging[K, V]) find(now instant, k K) *V {
	t.age(now)
	for i := range t.gens {
		g := &t.gens[i]
		if len(g.index) == 0 {
			continue
		}
		if at, ok := g.index[k]; ok {
			return &g.values[at]
		}
	}
	return nil
}

// add puts in an entry for k, which must not be there.
func (t *aging[K, V]) add(now instant, k K, v V) *V {
	t.age(now)
	if len(t.gens[0].values) >= max(1, t.size/2) {
		t.turn(now)
	}
	g := &t.gens[0]
	g.index[k] = int32(len(g.values))
	g.values = append(g.values, v)
	return &g.values[len(g.values)-1]
}

func (t *aging[K, V]) len() int { return len(t.gens[0].values) + len(t.gens[1].values) }

func (t *aging[K, V]) age(now instant) {
	if now-t.born < t.life/2 {
		return
	}
	if now-t.born >= t.life {
		t.turn(now)
	}
	t.turn(now)
}

func (t *aging[K, V]) turn(now instant) {
	t.gens[0], t.gens[1] = t.gens[1], t.gens[0]
	clear(t.gens[0].index)
	clear(t.gens[0].values)
	t.gens[0].values = t.gens[0].values[:0]
	t.born = now
}
