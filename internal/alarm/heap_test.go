package alarm

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

type thing struct {
	Alarm[int]
	name int
}

// A heap against a plain list of the same things.
func TestHeap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h Heap[*thing, int]
		var model []*thing
		at := rapid.IntRange(0, 20)
		one := func(t *rapid.T) *thing {
			if len(model) == 0 {
				t.Skip("empty")
			}
			return rapid.SampledFrom(model).Draw(t, "thing")
		}
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				e := &thing{name: len(model)}
				model = append(model, e)
				h.Push(e, at.Draw(t, "at"))
			},
			"set": func(t *rapid.T) {
				e, at := one(t), at.Draw(t, "at")
				if h.Set(e, at); e.Rings() != at {
					t.Fatalf("set to %d, rings at %d", at, e.Rings())
				}
			},
			"remove": func(t *rapid.T) {
				e := one(t)
				h.Remove(e)
				model = slices.DeleteFunc(model, func(other *thing) bool { return other == e })
				if h.Has(e) {
					t.Fatal("it is still there")
				}
			},
			"": func(t *rapid.T) {
				first, some := h.First()
				if h.Len() != len(model) || len(h.All()) != len(model) || some != (len(model) > 0) {
					t.Fatalf("%d things, %d are listed, not %d", h.Len(), len(h.All()), len(model))
				}
				for _, e := range model {
					if !h.Has(e) || !slices.Contains(h.All(), e) || e.Rings() < first.Rings() {
						t.Fatalf("%d is out of place", e.name)
					}
				}
			},
		})
	})
}
