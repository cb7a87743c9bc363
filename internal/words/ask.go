package words

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MostAsked is how many words a query can carry.
const MostAsked = 8

// Ask returns the words to ask for a name by, of which the texts are parts. Where they
// are more than a query can carry, pairs of neighbouring characters are left out as long
// as each of their characters is in another one: what is left finds all the same, and
// seldom more.
func Ask(texts ...string) []string {
	var all []string
	for _, text := range texts {
		all = append(all, Split(text)...)
	}
	for i := 1; i < len(all)-1 && len(all) > MostAsked; i++ {
		if overlap(all[i-1], all[i]) && overlap(all[i], all[i+1]) {
			all = append(all[:i], all[i+1:]...)
		}
	}
	return all
}

// overlap tells whether one pair of characters ends with what the next begins with.
func overlap(pair, next string) bool {
	first, size := utf8.DecodeRuneInString(pair)
	if !unspaced(first) {
		return false
	}
	size += strings.IndexFunc(pair[size:]+"x", func(r rune) bool { return !unicode.IsMark(r) })
	second := pair[size:]
	return second != "" && second != next && strings.HasPrefix(next, second)
}
