package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"

	"github.com/grapevine-p2p/grapevine/internal/durable"
)

const (
	keyName    = "key"
	maxKeyFile = 1 << 10
	// privatePerm and privateDirPerm: for the owner alone.
	privatePerm    fs.FileMode = 0o600
	privateDirPerm fs.FileMode = 0o700
)

// LoadKey returns the owner's key that [New] uses for folder, and makes it if there is
// none. Nothing else may use the folder meanwhile.
func LoadKey(folder string) (Key, error) {
	fsys := durable.OS{}
	if err := durable.MkdirAll(fsys, folder, privateDirPerm); err != nil {
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
		if err := durable.WriteFile(fsys, name, []byte(k.Text()+"\n"), privatePerm); err != nil {
			return Key{}, fmt.Errorf("keep backup key: %w", err)
		}
		return k, nil
	}
	if err != nil {
		return Key{}, fmt.Errorf("backup key file %q cannot be read: make it readable to you, restore it, or move it away to begin with a new key: %w", name, err)
	}
	info, err := fsys.Stat(name)
	if err != nil {
		return Key{}, fmt.Errorf("backup key file: %w", err)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&^privatePerm != 0 {
		return Key{}, fmt.Errorf("backup key file %q is open to other users (mode %04o): run \"chmod 600\" on it, and think about who may have read it", name, mode)
	}
	k, err := ParseKey(string(data))
	if err != nil {
		return Key{}, fmt.Errorf("backup key file %q: %w: restore it from a copy, or move it away to begin with a new key", name, err)
	}
	return k, nil
}
