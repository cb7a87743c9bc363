// Package words splits names into the words that they are found by, and folds names
// so that those which look the same compare equal. Who shares an item and who asks
// for it must agree on both, so a change here is a change of the protocol.
package words

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Max is the length in bytes that a longer word is cut to: what a query can carry.
const Max = 64

// foldRounds: folding can uncover what the next round folds further; in no known
// text a third time.
const foldRounds = 4

// Fold returns the form of a name in which names are compared: compatibility forms
// resolved (NFKC), case folded, invisible characters dropped, spaces collapsed. It is
// not for showing.
func Fold(name string) string {
	name = strings.ToValidUTF8(name, "\uFFFD")
	for range foldRounds {
		before := name
		name = strings.Map(dropInvisible, name)
		name = norm.NFKC.String(name)
		name = cases.Fold().String(name)
		name = norm.NFKC.String(name)
		if name == before {
			break
		}
	}
	return strings.Join(strings.Fields(name), " ")
}

// dropInvisible drops what Unicode says to ignore where it cannot be shown:
// formatting characters, variation selectors, fillers.
func dropInvisible(r rune) rune {
	if unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) {
		return -1
	}
	return r
}

// Split returns the distinct words of a name, folded, in the order of their first
// occurrence. A word is a run of letters, digits and the marks on them. Runs of a
// script that does not put spaces between words (Chinese, Japanese, Thai and others)
// give each pair of neighbouring characters instead.
func Split(name string) []string {
	var s splitter
	for _, r := range Fold(name) {
		switch {
		case unicode.IsMark(r):
			s.mark(r)
		case unspaced(r):
			s.unspaced(r)
		case unicode.IsLetter(r) || unicode.IsNumber(r):
			s.letter(r)
		default:
			s.end()
		}
	}
	s.end()
	return s.words
}

// Match reports whether all of the words, as [Split] gives them, are in the name. A
// single character of a script without spaces matches anywhere.
func Match(name string, words []string) bool {
	have := Split(name)
	for _, w := range words {
		if slices.Contains(have, w) {
			continue
		}
		first, size := utf8.DecodeRuneInString(w)
		alone := strings.IndexFunc(w[size:], func(r rune) bool { return !unicode.IsMark(r) }) < 0
		if !unspaced(first) || !alone || !slices.ContainsFunc(have, func(h string) bool { return strings.Contains(h, w) }) {
			return false
		}
	}
	return true
}

// unspaced reports whether r belongs to a script written without spaces. The long
// vowel mark of Japanese belongs to none by Unicode's tables.
func unspaced(r rune) bool {
	return r == 'ー' || unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana,
		unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar) && unicode.IsLetter(r)
}

// splitter collects words. Its zero value is ready.
type splitter struct {
	words []string
	run   strings.Builder // of letters and digits
	units []string        // of a script without spaces: a character with its marks
}

func (s *splitter) letter(r rune) {
	if len(s.units) > 0 {
		s.end()
	}
	s.run.WriteRune(r)
}

func (s *splitter) unspaced(r rune) {
	if s.run.Len() > 0 {
		s.end()
	}
	s.units = append(s.units, string(r))
}

// mark adds to the character before; a mark on nothing is dropped.
func (s *splitter) mark(r rune) {
	if n := len(s.units); n > 0 {
		s.units[n-1] += string(r)
	} else if s.run.Len() > 0 {
		s.run.WriteRune(r)
	}
}

func (s *splitter) end() {
	if s.run.Len() > 0 {
		s.add(s.run.String())
		s.run.Reset()
	}
	if len(s.units) == 1 {
		s.add(s.units[0])
	}
	for i := 1; i < len(s.units); i++ {
		s.add(s.units[i-1] + s.units[i])
	}
	s.units = s.units[:0]
}

func (s *splitter) add(word string) {
	if len(word) > Max {
		cut := Max
		for !utf8.RuneStart(word[cut]) {
			cut--
		}
		word = word[:cut]
	}
	if !slices.Contains(s.words, word) {
		s.words = append(s.words, word)
	}
}
