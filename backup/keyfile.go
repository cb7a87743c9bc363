package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/grapevine-p2p/grapevine/internal/durable"
)

const (
	keyName    = "key"
	maxKeyFile = 1 << 10
)

// LoadKey returns the owner's key that [New] uses for folder, and makes it if there is
// none. Nothing else may use the folder meanwhile.
func LoadKey(folder string) (Key, error) {
	fsys := durable.OS{}
	if err := durable.MkdirAll(fsys, folder, durable.PrivateDirPerm); err != nil {
		return Key{}, fmt.Errorf("load backup key: %w", err)
	}
	return loadKey(fsys, folder)
}

// loadKey returns the key in a folder's key file, and makes one if there is none. A
// file that others may read, or that holds no key, is refused: a new key would read
// none of the old backups, so that is for a person to decide.
func loadKey(fsys durable.FS, folder string) (Key, error) {
	name := filepath.Join(folder, keyName)
	data, err := durable.ReadFile(fsys, name, maxKeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		k := NewKey()
		if err := durable.WriteFile(fsys, name, []byte(k.Text()+"\n"), durable.PrivatePerm); err != nil {
			return Key{}, fmt.Errorf("keep backup key: %w", err)
		}
		return k, nil
	}
	if err != nil {
		return Key{}, fmt.Errorf("backup key file %q cannot be read: make it readable to you, restore it, or move it away to begin with a new key: %w", name, err)
	}
	if err := durable.CheckPrivate(fsys, name, durable.PrivatePerm); err != nil {
		return Key{}, fmt.Errorf("backup key file: %w", err)
	}
	k, err := ParseKey(string(data))
	if err != nil {
		return Key{}, fmt.Errorf("backup key file %q: %w: restore it from a copy, or move it away to begin with a new key", name, err)
	}
	return k, nil
}
