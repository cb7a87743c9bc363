package main

import (
	"context"
	"io/fs"
	"os"
	"strings"
	"time"
)

// found is a file as it lies in the folder.
type found struct {
	path     string // slashed, relative to the folder
	size     int64
	modified time.Time
}

// same tells whether two looks at a path saw the same file, as far as size and time
// tell.
func (f found) same(g found) bool {
	return f.path == g.path && f.size == g.size && f.modified.Equal(g.modified)
}

// scan lists the files of a folder: no hidden ones, no links and nothing else that is
// no file, nothing of unfinished downloads. What cannot be read is left out, and so is
// what is over the limits; skipped counts both.
func scan(ctx context.Context, root *os.Root) (files []found, skipped int, err error) {
	err = fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			if path == "." {
				return err
			}
			skipped++
			return nil
		}
		name := d.Name()
		switch {
		case path == ".":
			return nil
		case strings.HasPrefix(name, "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			if strings.Count(path, "/") >= maxDepth {
				skipped++
				return fs.SkipDir
			}
			return nil
		case !d.Type().IsRegular(), strings.HasSuffix(name, partSuffix), strings.HasSuffix(name, stateSuffix):
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil // gone meanwhile
		}
		if info.Size() > maxFile || len(files) == maxFiles {
			skipped++
			return nil
		}
		files = append(files, found{path: path, size: info.Size(), modified: info.ModTime()})
		return nil
	})
	return files, skipped, err
}

// settled tells whether a file has not changed for a while. One whose time lies ahead
// is not waited for.
func (f found) settled(now time.Time) bool {
	age := now.Sub(f.modified)
	return age < 0 || age >= settleTime
}
