package words

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

func TestMaxFitsTheWire(t *testing.T) {
	if Max != wire.MaxWord {
		t.Errorf("Max is %d, a query carries %d", Max, wire.MaxWord)
	}
	if MostAsked != wire.MaxWords {
		t.Errorf("MostAsked is %d, a query carries %d", MostAsked, wire.MaxWords)
	}
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		name string
		want []string
	}{
		{"", nil},
		{" -_./ ", nil},
		{"holiday photos 2026.zip", []string{"holiday", "photos", "2026", "zip"}},
		{"Holiday_Photos-(2026)", []string{"holiday", "photos", "2026"}},
		{"to be or not to be", []string{"to", "be", "or", "not"}},
		{"Straße STRASSE", []string{"strasse"}},
		{"ΣΊΣΥΦΟΣ Σίσυφος", []string{"σίσυφοσ"}},
		{"cafe\u0301 caf\u00e9", []string{"café"}},
		{"ﬁle ＦＩＬＥ x²", []string{"file", "x2"}},
		{"co\u00adop in\u200bvis\u200dible", []string{"coop", "invisible"}},
		{"don't", []string{"don", "t"}},
		{"हिन्दी पाठ", []string{"हिन्दी", "पाठ"}},
		{"日本語", []string{"日本", "本語"}},
		{"東", []string{"東"}},
		{"iPhone手机2", []string{"iphone", "手机", "2"}},
		{"データ", []string{"デー", "ータ"}},
		{"กินข้าว", []string{"กิน", "นข้", "ข้า", "าว"}},
		{"한국어 검색", []string{"한국어", "검색"}},
		{"\u0301 \u0301a", []string{"a"}},
		{"bad\xffbytes", []string{"bad", "bytes"}},
		{strings.Repeat("a", 100), []string{strings.Repeat("a", 64)}},
		{strings.Repeat("é", 40) + "!", []string{strings.Repeat("é", 32)}},
		{"a" + strings.Repeat("é", 40), []string{"a" + strings.Repeat("é", 31)}},
	} {
		if got := Split(c.name); !slices.Equal(got, c.want) {
			t.Errorf("Split(%q) = %q, want %q", c.name, got, c.want)
		}
	}
}

func TestFold(t *testing.T) {
	for _, same := range [][]string{
		{"alice", "Alice", "ALICE", "ａｌｉｃｅ", "al\u200bice", "\u202ealice", " alice ", "alice\ufe0f"},
		{"new york", "New  York", "new\u00a0york", "NEW\tYORK"},
		{"strasse", "Straße"},
		{"café", "cafe\u0301"},
		{"", "\u3164", "\uffa0", " "},
	} {
		for _, name := range same {
			if got := Fold(name); got != same[0] {
				t.Errorf("Fold(%q) = %q, want %q", name, got, same[0])
			}
		}
	}
	if Fold("alice") == Fold("alicé") {
		t.Error("an accent was dropped")
	}
}

func TestMatch(t *testing.T) {
	const name = "Holiday Photos 2026 日本語.zip"
	for query, want := range map[string]bool{
		"":                       true,
		"photos":                 true,
		"PHOTOS holiday":         true,
		"photo":                  false,
		"holiday photos summer":  false,
		"日本語":                    true,
		"本語":                     true,
		"語":                      true,
		"韓":                      false,
		"日語":                     false,
		"2026 zip holiday photo": false,
		"z":                      false,
	} {
		if got := Match(name, Split(query)); got != want {
			t.Errorf("Match(%q) = %v", query, got)
		}
	}
}

func FuzzWords(f *testing.F) {
	for _, s := range []string{"Holiday Photos", "日本語データ", "กินข้าว", "Straße\u0345", "\u1fb7", "ﷺ", "\uffa0x", "i\u0307İ", "\xff\xfe"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		folded := Fold(name)
		if again := Fold(folded); again != folded {
			t.Errorf("Fold(%q) = %q, folded again %q", name, folded, again)
		}
		split := Split(name)
		if again := Split(folded); !slices.Equal(again, split) {
			t.Errorf("Split(%q) = %q, of the folded name %q", name, split, again)
		}
		if !Match(name, split) {
			t.Errorf("%q does not match its own words %q", name, split)
		}
		for i, w := range split {
			if w == "" || len(w) > Max || !utf8.ValidString(w) || slices.Contains(split[:i], w) {
				t.Errorf("Split(%q) has word %q", name, w)
			}
			if again := Split(w); !slices.Equal(again, []string{w}) {
				t.Errorf("Split(%q) = %q", w, again)
			}
		}
	})
}

// Every character of Unicode, alone and inside a word, keeps what FuzzWords checks.
// The ideographs and Hangul syllables, tens of thousands alike, are left out.
func TestEveryCharacter(t *testing.T) {
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.Cc, unicode.Cf) ||
			unicode.In(r, unicode.Unified_Ideograph, unicode.Hangul) {
			continue
		}
		for _, name := range []string{string(r), "a" + string(r) + "日"} {
			if folded := Fold(name); Fold(folded) != folded {
				t.Errorf("%U: Fold(%q) = %q, folded again %q", r, name, folded, Fold(folded))
			}
			for _, w := range Split(name) {
				if again := Split(w); len(again) != 1 || again[0] != w {
					t.Errorf("%U: Split(%q) = %q", r, w, again)
				}
			}
		}
	}
}
