package main

import (
	"path"
	"path/filepath"
	"strings"

	"github.com/grapevine-p2p/grapevine/internal/display"
)

// ownName is what a download is called that others call so: one visible name that
// leads nowhere else, on any system. It is "" if nothing is left of it.
func ownName(told string) string {
	name := path.Base(strings.TrimRight(strings.ReplaceAll(told, `\`, "/"), "/"))
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/:*?"<>|`+"\uFFFD", r) {
			return '_' // what Windows does not take, and what was no character
		}
		return r
	}, display.Line(name))
	name = strings.TrimRight(strings.TrimLeft(name, ". "), ". ")
	ext := path.Ext(name)
	if len(ext) > 16 {
		ext = ""
	}
	if len(name) > maxOwnName {
		name = cutTo(strings.TrimSuffix(name, ext), maxOwnName-len(ext)) + ext
	}
	if !filepath.IsLocal(name) || name != filepath.Base(name) {
		return ""
	}
	return name
}
