package words_test

import (
	"slices"
	"testing"

	"github.com/grapevine-p2p/grapevine/internal/words"
)

func TestFindable(t *testing.T) {
	for name, want := range map[string][]string{
		"":                 nil,
		"Férias em Évora":  {"férias", "em", "évora"},
		"写真2026":           {"写真", "2026", "写", "真"},
		"桜":                {"桜"},
		"holiday 桜の写真.zip": {"holiday", "桜の", "の写", "写真", "zip", "桜", "の", "写", "真"},
	} {
		if got := words.Findable(name); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// What a query of one word may be, and no more.
func TestFindableIsWhatMatches(t *testing.T) {
	for _, name := range []string{"Férias em Évora", "holiday 桜の写真.zip", "ภาพถ่าย วันหยุด", "ポスター", "が\u3099x"} {
		found := words.Findable(name)
		for _, w := range found {
			if !words.Match(name, []string{w}) {
				t.Errorf("%q is not found by %q", name, w)
			}
		}
		for _, r := range words.Fold(name) {
			if alone := words.Split(string(r)); len(alone) == 1 && words.Match(name, alone) && !slices.Contains(found, alone[0]) {
				t.Errorf("%q is found by %q, which %q lacks", name, alone, found)
			}
		}
	}
}
