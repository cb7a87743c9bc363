package datadir

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/crypto/pb"

	"github.com/grapevine-p2p/grapevine/internal/durable"
)

const (
	keyName = "key"
	// maxKeyFile: an Ed25519 key in libp2p's encoding is 68 bytes.
	maxKeyFile = 256
)

// ErrBadKey is returned by [Dir.Key] for a file that holds no key.
var ErrBadKey = errors.New("damaged key file")

// Key returns the Ed25519 key in the file "key" of a folder. If there is none, one is
// made and durably kept. A file that others may read, or that holds no key, is
// refused, for a new key would be another identity: that is for a person to decide.
func (d *Dir) Key(f Folder) (crypto.PrivKey, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, fmt.Errorf("read key of %q: data folder: %w", f, fs.ErrClosed)
	}
	name := filepath.Join(d.Path(f), keyName)
	data, err := durable.ReadFile(d.fsys, name, maxKeyFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return d.createKey(name)
	case errors.Is(err, durable.ErrTooLarge):
		return nil, badKey(name)
	case err != nil:
		return nil, fmt.Errorf("key file %q cannot be read: make it readable to you, restore it, or move it away to get a new identity: %w", name, err)
	}
	if err := durable.CheckPrivate(d.fsys, name, durable.PrivatePerm); err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	return decodeKey(name, data)
}

// createKey makes a key file. The folder's lock and mu keep others from doing the
// same; the content goes to a file created exclusively, which gets its name when it
// is durable, so that no half-written key can be left.
func (d *Dir) createKey(name string) (crypto.PrivKey, error) {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	data, err := crypto.MarshalPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	if err := durable.WriteFile(d.fsys, name, data, durable.PrivatePerm); err != nil {
		return nil, fmt.Errorf("keep key: %w", err)
	}
	return key, nil
}

func decodeKey(name string, data []byte) (crypto.PrivKey, error) {
	key, err := crypto.UnmarshalPrivateKey(data)
	if err != nil || key.Type() != pb.KeyType_Ed25519 {
		return nil, badKey(name)
	}
	// The file holds the public key too, which shows damage to either.
	raw, err := key.Raw()
	if err != nil || len(raw) != ed25519.PrivateKeySize ||
		!bytes.Equal(raw, ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize])) {
		return nil, badKey(name)
	}
	return key, nil
}

func badKey(name string) error {
	return fmt.Errorf("%w: %q holds no Ed25519 key: restore it from a copy, or move it away to get a new identity", ErrBadKey, name)
}
