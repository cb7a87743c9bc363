package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/durable"
)

// cacheName is the file of hashes in the data folder.
const cacheName = "hashes.json"

// cache is what was hashed, so that it is not hashed again: valid for one folder.
type cache struct {
	Folder string        `json:"folder"`
	Files  []cachedEntry `json:"files"`
}

type cachedEntry struct {
	Path     []byte    `json:"path"` // any bytes, as paths are
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
	ID       string    `json:"id"`
}

// loadCache returns the hashes of a folder's files by path. Those of another folder are
// none; a damaged cache is told and is none either.
func loadCache(data, folder string) (map[string]hashed, error) {
	all := map[string]hashed{}
	raw, err := durable.ReadFile(durable.OS{}, filepath.Join(data, cacheName), maxCache)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	var c cache
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil {
		return all, fmt.Errorf("read the cache of hashes: %w", err)
	}
	if c.Folder != folder {
		return all, nil
	}
	for _, e := range c.Files {
		if id, ok := parseHex(e.ID); ok {
			all[string(e.Path)] = hashed{found{string(e.Path), e.Size, e.Modified}, id}
		}
	}
	return all, nil
}

func saveCache(data, folder string, files []*shared) error {
	c := cache{Folder: folder, Files: make([]cachedEntry, 0, len(files))}
	for _, f := range files {
		c.Files = append(c.Files, cachedEntry{[]byte(f.file.path), f.file.size, f.file.modified, f.id.String()})
	}
	raw, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return durable.WriteFile(durable.OS{}, filepath.Join(data, cacheName), raw, durable.PrivatePerm)
}
