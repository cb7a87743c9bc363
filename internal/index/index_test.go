package index

import (
	"testing"

	"pgregory.net/rapid"
)

type thing struct{ key string }

// An index against a map, with so few hashes that most are shared.
func TestIndex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := New(func(e *thing) string { return e.key })
		x.mask = 3
		model := make(map[string]*thing)
		key := rapid.StringMatching("[a-e]{1,2}")
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				e := &thing{key.Draw(t, "key")}
				model[e.key] = e
				x.Put(e)
			},
			"delete": func(t *rapid.T) {
				k := key.Draw(t, "key")
				delete(model, k)
				x.Delete(k)
			},
			"": func(t *rapid.T) {
				if x.Len() != len(model) {
					t.Fatalf("%d things, not %d", x.Len(), len(model))
				}
				for k, e := range model {
					if x.Get(k) != e {
						t.Fatalf("another thing is found by %q", k)
					}
				}
				if k := key.Draw(t, "any"); model[k] == nil && x.Get(k) != nil {
					t.Fatalf("%q is found", k)
				}
			},
		})
	})
}
