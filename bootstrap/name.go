package bootstrap

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/words"
)

// nameKey is a name as it is compared: names with the same key are the same name.
// The empty name has the empty key.
type nameKey string

// keyOf checks a name and returns its key: the name folded, as all of Grapevine
// compares names.
func keyOf(name string) (nameKey, error) {
	if name == "" {
		return "", nil
	}
	if err := checkName(name); err != nil {
		return "", fmt.Errorf("%w: %q %w", ErrNameInvalid, shorten(name), err)
	}
	key := words.Fold(name)
	// Compatibility characters can unfold to something long, or to spaces.
	if err := checkName(key); err != nil {
		return "", fmt.Errorf("%w: %q %w", ErrNameInvalid, shorten(name), err)
	}
	return nameKey(key), nil
}

// blankBraille is a graphic character without any dots.
const blankBraille = '\u2800'

type nameError string

func (e nameError) Error() string { return string(e) }

func checkName(name string) error {
	if len(name) > maxNameBytes || utf8.RuneCountInString(name) > MaxName {
		return nameError(fmt.Sprintf("is longer than %d characters", MaxName))
	}
	if !utf8.ValidString(name) {
		return nameError("is not UTF-8")
	}
	for _, r := range name {
		// What is not graphic is control, bidirectional, zero-width, unassigned
		// and the like. Graphic spaces other than U+0020 become it in the key.
		if !unicode.IsGraphic(r) || r == blankBraille ||
			unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) {
			return nameError(fmt.Sprintf("contains %U, which cannot be seen", r))
		}
	}
	if strings.TrimSpace(name) != name {
		return nameError("begins or ends with a space")
	}
	if mixed(name) {
		return nameError("mixes scripts that are not written together")
	}
	if strings.HasPrefix(name, "/") {
		return nameError("looks like an address")
	}
	if _, err := peer.Decode(name); err == nil {
		return nameError("is a peer ID")
	}
	return nil
}

// shorten cuts what is quoted in an error to a length that a person reads.
func shorten(s string) string {
	if len(s) <= maxNameBytes {
		return s
	}
	return s[:maxNameBytes] + "..."
}
