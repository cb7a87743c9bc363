package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/alecthomas/kong"
)

// place is where a download goes, as it was typed: a folder if it is one or ends in a
// slash, else the name of the file.
type place string

// path is the whole path, and whether it has to be a folder's.
func (p place) path() (path string, folder bool) {
	return filepath.Clean(kong.ExpandPath(string(p))), p != "" && os.IsPathSeparator(p[len(p)-1])
}

// check refuses a place where nothing can be put.
func (p place) check() error {
	path, folder := p.path()
	switch {
	case folder && exists(path) && !isFolder(path):
		return fmt.Errorf("--to: %q is no folder", path)
	case !folder && !isFolder(filepath.Dir(path)):
		return fmt.Errorf("--to: there is no folder %q; a path that ends in a slash is made", filepath.Dir(path))
	}
	return nil
}

// open returns the whole path, and whether it is a folder's, which is made if it has to be.
func (p place) open() (path string, folder bool, err error) {
	path, folder = p.path()
	if folder {
		return path, true, os.MkdirAll(path, 0o755)
	}
	return path, isFolder(path), nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
