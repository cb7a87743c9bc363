// Package display makes what came from others safe to show on a terminal: no text can
// move the cursor, change colours, reverse its direction or hide a part of itself.
package display

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxMarks is how many combining marks stay on one character; no language needs
	// more, and a pile of them covers the lines above.
	maxMarks = 4
	// fingerprintLen: 8 characters of base58 are 46 bits, enough to tell apart the
	// peers that a person meets. They are not a proof of identity.
	fingerprintLen = 8
)

// Line returns s as one line. Control characters become U+FFFD, and so do bytes that
// are not UTF-8 and characters that no font has; line breaks and tabs become spaces;
// what reverses text or cannot be seen is dropped.
func Line(s string) string {
	return clean(s, false)
}

// Text is [Line] for a text of several lines: line breaks stay.
func Text(s string) string {
	return clean(strings.ReplaceAll(s, "\r\n", "\n"), true)
}

// Fingerprint returns the end of a peer ID in its text form, to be shown beside a
// name. (The beginning is the same for all keys of a kind.)
func Fingerprint(peerID string) string {
	id := []rune(Line(peerID))
	if len(id) <= fingerprintLen {
		return string(id)
	}
	return "…" + string(id[len(id)-fingerprintLen:])
}

// Peer returns a name with the fingerprint of the key that it stands for.
func Peer(name, peerID string) string {
	name = strings.TrimSpace(Line(name))
	if name == "" {
		return Fingerprint(peerID)
	}
	return name + " (" + Fingerprint(peerID) + ")"
}

func clean(s string, multiline bool) string {
	var b strings.Builder
	marks := 0
	for _, r := range s {
		r, keep := char(r, multiline)
		if !keep {
			continue
		}
		if unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r) {
			if marks++; marks > maxMarks {
				continue
			}
		} else {
			marks = 0
		}
		b.WriteRune(r)
	}
	return b.String()
}

// char returns what is shown for r, and whether anything is.
func char(r rune, multiline bool) (rune, bool) {
	switch {
	case r == '\n' && multiline:
		return r, true
	case r == '\n' || r == '\t' || r == '\u0085' || unicode.In(r, unicode.Z):
		return ' ', true // the last: spaces of all widths, line and paragraph separators
	case isEmojiSelector(r):
		return r, true
	case unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point):
		return 0, false
	case r == '\u2800':
		return ' ', true // the blank Braille pattern
	case !unicode.IsGraphic(r):
		return utf8.RuneError, true
	}
	return r, true
}

// isEmojiSelector: the variation selectors for text and emoji look only change how a
// sign is drawn.
func isEmojiSelector(r rune) bool { return r == '\ufe0e' || r == '\ufe0f' }
