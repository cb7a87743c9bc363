package main

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/grapevine-p2p/grapevine/internal/words"
	"github.com/grapevine-p2p/grapevine/p2p"
)

// names are those of people who write in several languages.
var names = []string{
	"Canção de Ninar.mp3",
	"Canções/São João/Forró 01.ogg",
	"Fotos/Évora 2026/praça à noite.jpg",
	"東京の写真 2026.jpg",
	"東京/花火大会.mp4",
	"ฉันรักเธอ.mp3",
	"Кино/Солярис (1972).mkv",
	"Straße nach Köln.txt",
	"ﬁnal_report-v2.PDF",
	"README",
}

// askedFor lists which of the names each query finds.
var askedFor = []struct {
	query string
	finds []int
}{
	{"ninar", []int{0}},
	{"de ninar", []int{0}},
	{"ninar mp3 canção", []int{0}},
	{"mp3 CANÇÃO Ninar", []int{0}},
	{"canc\u0327a\u0303o", []int{0}}, // decomposed
	{"CANC\u0327A\u0303O NINAR", []int{0}},
	{"cancao", nil}, // accents are letters of their own
	{"canções", []int{1}},
	{"João forró", []int{1}},
	{"01 forró são", []int{1}},
	{"évora praça 2026", []int{2}},
	{"2026", []int{2, 3}},
	{"2026 jpg", []int{2, 3}},
	{"noite à", []int{2}},
	{"東京", []int{3, 4}},
	{"写真", []int{3}},
	{"東京 写真", []int{3}},
	{"写真 東京 2026", []int{3}},
	{"東京の写真", []int{3}},
	{"東", []int{3, 4}},
	{"花", []int{4}},
	{"京都", nil},
	{"รัก", []int{5}},
	{"солярис 1972", []int{6}},
	{"КИНО", []int{6}},
	{"strasse", []int{7}},
	{"köln straße", []int{7}},
	{"final pdf", []int{8}},
	{"report v2", []int{8}},
	{"readme", []int{9}},
	{"read", nil},
	{"ninar forró", nil},
}

func TestFilesAreFoundByTheirWords(t *testing.T) {
	folder := t.TempDir()
	for _, name := range names {
		write(t, filepath.Join(folder, filepath.FromSlash(name)), []byte(name))
	}
	g, err := newGroup([32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	for what, g := range map[string]*group{"openly": nil, "in a group": g} {
		l := newLibrary(t, folder, g, "holder")
		for _, asked := range askedFor {
			want := []string{}
			for _, i := range asked.finds {
				want = append(want, names[i])
			}
			got := []string{}
			for _, item := range l.Match(p2p.Query{Words: split(g.ask(strings.Fields(asked.query)))}) {
				told, err := g.listing(p2p.Hit{Item: item, From: peerInfo("holder")})
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, told.Name)
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s, %q finds %q, want %q", what, asked.query, got, want)
			}
		}
	}
}

// split is what p2p makes of a query's words.
func split(asked []string) (out []string) {
	for _, w := range asked {
		out = append(out, words.Split(w)...)
	}
	return out
}

// The catalogue answers as p2p's own index would, which looks at every name.
func TestMatchAgreesWithItems(t *testing.T) {
	folder := t.TempDir()
	for _, name := range names {
		write(t, filepath.Join(folder, filepath.FromSlash(name)), []byte(name))
	}
	l := newLibrary(t, folder, nil, "holder")
	var plain p2p.Items
	for _, f := range l.current.Load().files {
		plain = append(plain, f.item)
	}
	keyOf := func(items []p2p.Item) (keys []string) {
		for _, it := range items {
			keys = append(keys, string(it.Key))
		}
		slices.Sort(keys)
		return keys
	}
	queries := []p2p.Query{{}, {Key: "share:"}, {Key: plain[0].Key}, {Key: plain[0].Key, Words: []string{"absent"}}}
	for _, it := range plain {
		queries = append(queries, p2p.Query{Key: it.Key, Words: words.Split(it.Name)[:1]})
	}
	for _, asked := range askedFor {
		queries = append(queries, p2p.Query{Words: split([]string{asked.query})})
	}
	for _, q := range queries {
		if got, want := keyOf(l.Match(q)), keyOf(plain.Match(q)); !slices.Equal(got, want) {
			t.Errorf("%q %q: %q, want %q", q.Key, q.Words, got, want)
		}
	}
}

// What the index tells that it is found by is what it is found by.
func TestEntries(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "Canção de Ninar.mp3"), []byte("la"))
	write(t, filepath.Join(folder, "写真.jpg"), []byte("x"))
	l := newLibrary(t, folder, nil, "holder")
	all := map[string]bool{}
	for e := range l.Entries() {
		for _, w := range e.Words {
			all[w] = true
			if len(l.Match(p2p.Query{Key: e.Key, Words: []string{w}})) != 1 {
				t.Errorf("not found by %q", w)
			}
		}
	}
	for _, w := range []string{"canção", "de", "ninar", "mp3", "写真", "jpg"} {
		if !all[w] {
			t.Errorf("%q is not among %q", w, slices.Sorted(maps.Keys(all)))
		}
	}
}

func TestAnswersAreBounded(t *testing.T) {
	var files []*shared
	for range 3 * maxAnswers {
		files = append(files, &shared{words: []string{"x"}})
	}
	if n := len(newCatalogue(files).Match(p2p.Query{Words: []string{"x"}})); n != maxAnswers {
		t.Errorf("%d answers", n)
	}
}
