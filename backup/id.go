package backup

import (
	"encoding/hex"
	"fmt"
)

// BlobID names a blob: the BLAKE3 hash of its sealed bytes.
type BlobID [32]byte

// ParseID reads the 64 hexadecimal digits that String gives.
func ParseID(s string) (BlobID, error) {
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != len(BlobID{}) {
		return BlobID{}, fmt.Errorf("%w: %q: want 64 hexadecimal digits", ErrBadID, s)
	}
	return BlobID(raw), nil
}

// String returns the ID in hexadecimal.
func (id BlobID) String() string { return hex.EncodeToString(id[:]) }

// Short returns the first 12 digits, for people.
func (id BlobID) Short() string { return id.String()[:12] }

// Owner is the public key that an owner's orders are signed with: all that holders
// learn of who owns a blob.
type Owner [32]byte

// String returns the owner in hexadecimal.
func (o Owner) String() string { return hex.EncodeToString(o[:]) }
