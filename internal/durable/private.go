package durable

import (
	"fmt"
	"io/fs"
	"runtime"
)

// The modes of what belongs to the user alone.
const (
	PrivatePerm    fs.FileMode = 0o600 // of files
	PrivateDirPerm fs.FileMode = 0o700 // of folders
)

// CheckPrivate refuses a file or folder that gives others more than perm does. On
// Windows, where modes say nothing, the user's profile protects it.
func CheckPrivate(fsys FS, name string, perm fs.FileMode) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	info, err := fsys.Stat(name)
	if err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&^perm != 0 {
		return fmt.Errorf("%q is open to other users (mode %04o): run \"chmod %o\" on it, and think about who may have read it", name, mode, perm)
	}
	return nil
}
