package words

import (
	"slices"
	"strings"
	"testing"
)

func TestAsk(t *testing.T) {
	for _, c := range []struct {
		texts []string
		want  []string
	}{
		{nil, nil},
		{[]string{"Férias de", "VERÃO"}, []string{"férias", "de", "verão"}},
		{[]string{"夏休みの動画"}, []string{"夏休", "休み", "みの", "の動", "動画"}}, // all, as long as they fit
		{[]string{"夏休みの動画", "東京タワー", "2026"}, []string{"夏休", "みの", "動画", "東京", "京タ", "タワ", "ワー", "2026"}},
		{[]string{"がんばれ日本がんばれ日本人"}, nil}, // some occur twice
		{[]string{"กินข้าวกับเพื่อนที่บ้าน"}, nil},
		{[]string{"a b c d e f g h i"}, []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"}}, // nothing to leave out
	} {
		got := Ask(c.texts...)
		if c.want != nil && !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.texts, got, c.want)
		}
		name := strings.Join(c.texts, " ")
		if !Match(name, got) {
			t.Errorf("%q is not found by %q", name, got)
		}
		for _, r := range Fold(name) {
			if r != ' ' && !strings.ContainsRune(strings.Join(got, ""), r) {
				t.Errorf("%q: no %q in %q", name, r, got)
			}
		}
	}
}

// A name of up to sixteen characters without spaces can be asked for in whole.
func TestAskLongName(t *testing.T) {
	runes := []rune("一二三四五六七八九十百千万億兆京垓")
	for n := 1; n < len(runes); n++ {
		if got := Ask(string(runes[:n])); len(got) > MostAsked {
			t.Errorf("%d characters: %q", n, got)
		}
	}
}
