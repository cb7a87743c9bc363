package main

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestOwnName(t *testing.T) {
	for told, want := range map[string]string{
		"Canção de Ninar.mp3":             "Canção de Ninar.mp3",
		"Músicas/東京の写真.jpg":               "東京の写真.jpg",
		"../../etc/passwd":                "passwd",
		`..\..\boot.ini`:                  "boot.ini",
		"/abs/olute":                      "olute",
		"C:\\x":                           "x",
		"c:x":                             "c_x",
		".bashrc":                         "bashrc",
		"..":                              "",
		".":                               "",
		"":                                "",
		"///":                             "",
		"a\x00b":                          "a_b",
		"a\nb.txt":                        "a b.txt",
		"\x1b[2Jx":                        "_[2Jx",
		"gpj.\u202etxt.exe":               "gpj.txt.exe",
		"trailing. . ":                    "trailing",
		"what?*.txt":                      "what__.txt",
		strings.Repeat("é", 300) + ".ogg": strings.Repeat("é", (maxOwnName-4)/2) + ".ogg",
		"x." + strings.Repeat("y", 300):   ("x." + strings.Repeat("y", 300))[:maxOwnName],
	} {
		if got := ownName(told); got != want {
			t.Errorf("%q: %q, want %q", told, got, want)
		}
	}
}

func FuzzOwnName(f *testing.F) {
	for _, s := range []string{"a.txt", "../x", `..\x`, ".x", "\u202e", "a\xff", strings.Repeat(".", 300)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, told string) {
		name := ownName(told)
		if name == "" {
			return
		}
		if !filepath.IsLocal(name) || filepath.Base(name) != name || name[0] == '.' || len(name) > maxOwnName ||
			!utf8.ValidString(name) || strings.ContainsAny(name, "/\\:\x00\n\x1b\u202e") {
			t.Errorf("%q becomes %q", told, name)
		}
	})
}
