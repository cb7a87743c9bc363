package backup

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"log/slog"
	"strings"

	"lukechampine.com/blake3"
)

const (
	keyPrefix   = "grapevine-backup-1-"
	keyLen      = 32
	checksumLen = 3
)

// Key is an owner's secret: who has it reads the owner's backups and stores new ones
// as the owner. The zero value is no key. It does not print itself; see [Key.Text].
type Key struct{ secret [keyLen]byte }

var _ slog.LogValuer = Key{}

// NewKey makes a random key.
func NewKey() Key {
	var k Key
	rand.Read(k.secret[:]) // never fails
	return k
}

// ParseKey reads what [Key.Text] gave. Case, spaces and line breaks do not matter.
func ParseKey(text string) (Key, error) {
	text = strings.ToLower(strings.Join(strings.Fields(text), ""))
	body, ok := strings.CutPrefix(text, keyPrefix)
	if !ok {
		return Key{}, fmt.Errorf("%w: it begins with %q", ErrBadKey, keyPrefix)
	}
	raw, err := keyEncoding().DecodeString(strings.ToUpper(body))
	if err != nil || len(raw) != keyLen+checksumLen {
		return Key{}, fmt.Errorf("%w: %d characters after the prefix are expected", ErrBadKey, keyEncoding().EncodedLen(keyLen+checksumLen))
	}
	k := Key{[keyLen]byte(raw[:keyLen])}
	if subtle.ConstantTimeCompare([]byte(k.Text()), []byte(text)) != 1 { // the checksum, or odd bits at the end
		return Key{}, fmt.Errorf("%w: a character is wrong", ErrBadKey)
	}
	return k, nil
}

// Text returns the secret, to be printed and pasted: a prefix and 56 characters of
// which some are a checksum.
func (k Key) Text() string {
	sum := k.checksum()
	return keyPrefix + strings.ToLower(keyEncoding().EncodeToString(append(k.secret[:], sum[:]...)))
}

// String tells that it is a key, and not which.
func (k Key) String() string { return "backup key (secret)" }

// GoString is like String.
func (k Key) GoString() string { return k.String() }

// LogValue implements [slog.LogValuer], without the secret.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// Owner returns the public key that the holders know the owner by.
func (k Key) Owner() Owner { return Owner(k.signer().Public().(ed25519.PublicKey)) }

func (k Key) isZero() bool { return k == Key{} }

func (k Key) checksum() (sum [checksumLen]byte) {
	blake3.DeriveKey(sum[:], "grapevine 2026-11-20 backup key checksum", k.secret[:])
	return sum
}

// The keys derived from the secret; one context each, none is ever changed.
func (k Key) sealKey() (out [32]byte)  { return k.derive("grapevine 2026-11-20 backup content") }
func (k Key) labelKey() (out [32]byte) { return k.derive("grapevine 2026-11-20 backup label") }

func (k Key) signer() ed25519.PrivateKey {
	seed := k.derive("grapevine 2026-11-20 backup owner")
	return ed25519.NewKeyFromSeed(seed[:])
}

func (k Key) derive(context string) (out [32]byte) {
	blake3.DeriveKey(out[:], context, k.secret[:])
	return out
}

func keyEncoding() *base32.Encoding { return base32.StdEncoding.WithPadding(base32.NoPadding) }
