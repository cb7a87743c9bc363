package main

import (
	"slices"
	"unicode"

	"github.com/grapevine-p2p/grapevine/internal/words"
)

// terms are what a name is found by: its words, and the single characters of scripts
// that put no spaces between words.
func terms(name string) []string {
	found := words.Split(name)
	for _, word := range found {
		for _, character := range characters(word) {
			if standsAlone(character) && !slices.Contains(found, character) {
				found = append(found, character)
			}
		}
	}
	return found
}

// standsAlone tells whether a character is of a script without spaces: only such a one
// is a word of its own before a letter.
func standsAlone(character string) bool {
	return len(character) > 1 && len(words.Split(character+"a")) > 1
}

// characters parts a word into characters with their marks.
func characters(word string) (out []string) {
	for _, r := range word {
		if n := len(out); n > 0 && unicode.IsMark(r) {
			out[n-1] += string(r)
			continue
		}
		out = append(out, string(r))
	}
	return out
}
