package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// hashes returns the SHA-256 of every regular file of a folder, by path in it.
func hashes(folder string) (map[string]string, error) {
	out := make(map[string]string)
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		h := sha256.New()
		if _, err := io.Copy(h, f); err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		out[filepath.ToSlash(name)] = fmt.Sprintf("%x", h.Sum(nil))
		return err
	})
	return out, err
}

// same returns an error for the first file that is not in both, or differs.
func same(want, got map[string]string) error {
	if len(want) != len(got) {
		return fmt.Errorf("%d files restored, not %d", len(got), len(want))
	}
	for name, hash := range want {
		if got[name] != hash {
			return fmt.Errorf("%q was not restored as it was", name)
		}
	}
	return nil
}
