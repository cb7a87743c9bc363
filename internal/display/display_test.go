package display

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"":             "",
		"Alice Müller": "Alice Müller",
		"日本語 हिन्दी عربي עברית": "日本語 हिन्दी عربي עברית",
		"👍🏽 ☕\ufe0f":                       "👍🏽 ☕\ufe0f",
		"\x1b[31mred\x1b[0m":               "\uFFFD[31mred\uFFFD[0m",
		"\x1b]0;title\x07":                 "\uFFFD]0;title\uFFFD",
		"\u009b2J":                         "\uFFFD2J",
		"bell\a null\x00 del\x7f back\b!":  "bell\uFFFD null\uFFFD del\uFFFD back\uFFFD!",
		"two\nlines\tand\rmore":            "two lines and\uFFFDmore",
		"a\u2028b\u2029c\u00a0d\u3000e":    "a b c d e",
		"\u202egpj.exe\u202c":              "gpj.exe",
		"\u2066x\u2069\u200e\u200f":        "x",
		"al\u200bi\u200cc\u200de\ufeff":    "alice",
		"\u3164\u115f\u1160\uffa0":         "",
		"tag\U000e0041\U000e007f":          "tag",
		"bad\xffbyte":                      "bad\uFFFDbyte",
		"private\ue000":                    "private\uFFFD",
		"non\ufffe":                        "non\uFFFD",
		"z" + strings.Repeat("\u0301", 50): "z" + strings.Repeat("\u0301", 4),
		"\u2800":                           " ",
	} {
		if got := Line(in); got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"one\ntwo\r\nthree":  "one\ntwo\nthree",
		"over\rwrite":        "over\uFFFDwrite",
		"a\tb\x1b[2J\u202e!": "a b\uFFFD[2J!",
	} {
		if got := Text(in); got != want {
			t.Errorf("Text(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestPeer(t *testing.T) {
	const id = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"
	for _, c := range []struct{ name, id, want string }{
		{"alice", id, "alice (…vnc6iDEp)"},
		{"", id, "…vnc6iDEp"},
		{"\u200b", id, "…vnc6iDEp"},
		{"al\x1bice", "short", "al\uFFFDice (short)"},
		{"eve", "\x1b\x1b", "eve (\uFFFD\uFFFD)"},
	} {
		if got := Peer(c.name, c.id); got != c.want {
			t.Errorf("Peer(%q, %q) = %q, want %q", c.name, c.id, got, c.want)
		}
	}
}

func FuzzDisplay(f *testing.F) {
	for _, s := range []string{"alice", "\x1b[31m", "\u202e", "\u009b", "\xc2", "a\u0301\u0301", "\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		check := func(out string, multiline bool) {
			if !utf8.ValidString(out) {
				t.Errorf("%q gives %q", s, out)
			}
			for _, r := range out {
				bad := unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Cf, unicode.Zl, unicode.Zp)
				if bad && (!multiline || r != '\n') {
					t.Errorf("%q gives %q", s, out)
				}
			}
		}
		line, text := Line(s), Text(s)
		check(line, false)
		check(text, true)
		check(Fingerprint(s), false)
		if Line(line) != line || Text(text) != text {
			t.Errorf("%q: not stable: %q, %q", s, line, text)
		}
	})
}
