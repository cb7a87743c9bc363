package bootstrap

import (
	"unicode"

	"go.mau.fi/util/confusable"

	"github.com/grapevine-p2p/grapevine/internal/names"
	"github.com/grapevine-p2p/grapevine/internal/words"
)

// skeletonOf maps a name to what is left of it for the eye: names with the same
// skeleton cannot be told from each other (Unicode Technical Standard 39, section
// 4). It is not for showing. The folding afterwards is of what the mapping gives in
// capitals, as O for 0.
func skeletonOf(key nameKey) string {
	skeleton := words.Fold(confusable.Skeleton(string(key)))
	if skeleton == "" || len(skeleton) > names.MaxSkeleton {
		return string(key)
	}
	return skeleton
}

// writing is a set of scripts that are written together.
type writing uint8

const (
	latin writing = 1 << iota
	japanese
	korean
	bopomofo
	other
)

// mixed reports whether a name mixes scripts in a way that is meant to deceive more
// often than not: beyond one script, and Latin with those of Japanese, Korean or
// Chinese, as the highly restrictive profile of UTS 39 (section 5.2) has it. What
// belongs to all scripts, as digits, does not count.
func mixed(name string) bool {
	fits := japanese | korean | bopomofo // the combinations that are still possible
	var strange *unicode.RangeTable      // a script of no combination
	some := false
	for _, r := range name {
		if unicode.In(r, unicode.Common, unicode.Inherited) {
			continue
		}
		with := writingOf(r)
		if with == other {
			if strange == nil {
				strange = scriptOf(r)
			}
			if some || strange == nil || !unicode.Is(strange, r) {
				return true
			}
			continue
		}
		if some = true; strange != nil {
			return true
		}
		if with != latin {
			fits &= with
		}
		if fits == 0 {
			return true
		}
	}
	return false
}

// writingOf returns the combinations that a character belongs to.
func writingOf(r rune) writing {
	switch {
	case unicode.Is(unicode.Latin, r):
		return latin
	case unicode.Is(unicode.Han, r):
		return japanese | korean | bopomofo
	case unicode.In(r, unicode.Hiragana, unicode.Katakana):
		return japanese
	case unicode.Is(unicode.Hangul, r):
		return korean
	case unicode.Is(unicode.Bopomofo, r):
		return bopomofo
	}
	return other
}

func scriptOf(r rune) *unicode.RangeTable {
	for _, script := range unicode.Scripts {
		if unicode.Is(script, r) {
			return script
		}
	}
	return nil
}
