package bootstrap

import "testing"

func TestLookAlikes(t *testing.T) {
	for _, tt := range []struct {
		one, other string
		alike      bool
	}{
		{"alice", "alice", true},
		{"alice", "Alice", true}, // the same name
		{"alice", "аlісе", true}, // with Cyrillic letters, if it were not refused before
		{"alice", "al1ce", false},
		{"paul", "pau1", true},
		{"bob", "b0b", true},
		{"rnike", "mike", true},
		{"scope", "ѕсоре", true}, // all Cyrillic
		{"alice", "alicé", false},
		{"alice", "alicia", false},
		{"bail", "ball", false},
		{"name-1", "name-2", false},
	} {
		one, other := skeleton(t, tt.one), skeleton(t, tt.other)
		if (one == other) != tt.alike {
			t.Errorf("%q and %q have the skeletons %q and %q", tt.one, tt.other, one, other)
		}
	}
}

// skeleton gives the skeleton of a name that may mix scripts.
func skeleton(t *testing.T, name string) string {
	t.Helper()
	if mixed(name) {
		return skeletonOf(nameKey(name))
	}
	key, err := keyOf(name)
	if err != nil {
		t.Fatal(err)
	}
	return skeletonOf(key)
}

func TestMixedScripts(t *testing.T) {
	for name, want := range map[string]bool{
		"":             false,
		"alice 2":      false,
		"алиса":        false,
		"алиса 2":      false,
		"ΣΊΣΥΦΟΣ":      false,
		"👻 1":          false,
		"Tōkyō東京タワーです": false,
		"서울 seoul":     false,
		"漢字 hanzi ㄅㄆ":  false,
		"é":            false,
		"аlice":        true, // a Cyrillic a
		"alicе":        true, // a Cyrillic e
		"αlice":        true,
		"алиσа":        true,
		"です서울":         true,
		"ㄅです":          true,
		"東京алиса":      true,
		"алиса東京":      true,
		"ไทยlatin":     true,
		"\u0e44\u0e17": false,
	} {
		if got := mixed(name); got != want {
			t.Errorf("%q mixes scripts: %v, want %v", name, got, want)
		}
	}
}
