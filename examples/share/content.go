package main

import (
	"encoding/hex"

	"github.com/grapevine-p2p/grapevine/p2p"
)

// contentID names a file's bytes: the root of their BLAKE3 tree.
type contentID [32]byte

// handle is what a content is asked for by: its ID, or in a group a keyed hash of it.
type handle [32]byte

// keyPrefix keeps the keys of files apart from those of other programs.
const keyPrefix = "share:"

// listing is what a hit tells of a file.
type listing struct {
	ID   contentID
	Name string // as its holder tells it
	Size int64  // the same
}

// String writes the ID in hexadecimal.
func (id contentID) String() string { return hex.EncodeToString(id[:]) }

// String writes the handle in hexadecimal, as in a path of the service.
func (h handle) String() string { return hex.EncodeToString(h[:]) }

func (h handle) key() p2p.Key { return keyPrefix + p2p.Key(h[:]) }

func handleOf(k p2p.Key) (h handle, ok bool) {
	if len(k) != len(keyPrefix)+len(h) || k[:len(keyPrefix)] != keyPrefix {
		return h, false
	}
	copy(h[:], k[len(keyPrefix):])
	return h, true
}

// parseHex reads the 32 bytes of an ID or handle.
func parseHex(s string) (b [32]byte, ok bool) {
	if len(s) != hex.EncodedLen(len(b)) {
		return b, false
	}
	_, err := hex.Decode(b[:], []byte(s))
	return b, err == nil
}
