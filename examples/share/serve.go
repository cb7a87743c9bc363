package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/grapevine-p2p/grapevine/examples/internal/program"
)

type serveCmd struct {
	groupFlag
	Folder string `arg:"" help:"What to share: all files in it and in its folders, but no hidden ones and no links." type:"path"`
}

func (s *serveCmd) Run(ctx context.Context, c *cli, out *program.Output) error {
	group, err := s.load()
	if err != nil {
		return err
	}
	if err := c.ChooseData(holderFolder); err != nil {
		return err
	}
	folder, err := s.check(c.Data)
	if err != nil {
		return err
	}
	return c.with(ctx, out, holderFolder, func(peer *program.Peer) (err error) {
		l, err := openLibrary(folder, peer.Folder("share"), group, peer.Node.ID(), c.Logger())
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, l.Close()) }()
		defer peer.Node.Share(l)()
		listener, err := peer.Node.Listen(service)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		served := make(chan error, 1)
		go func() { served <- newServer(l).serve(ctx, listener) }()
		with := "everybody"
		if group != nil {
			with = "the group of " + s.Group
		}
		out.Print("serving", program.Fields{"folder": folder, "group": s.Group, "data": c.Data}, "sharing %s with %s", folder, with)
		err = watch(ctx, out, l, peer.Node.Reindex)
		cancel()
		out.Print("stopping", nil, "stopping")
		return errors.Join(err, <-served)
	})
}

// check returns the folder's true path. It refuses to share secrets.
func (s *serveCmd) check(data string) (string, error) {
	folder, err := filepath.EvalSymlinks(s.Folder)
	if err != nil {
		return "", fmt.Errorf("share %q: %w", s.Folder, err)
	}
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return "", errors.Join(fmt.Errorf("share %q: not a folder", s.Folder), err)
	}
	if within(real(data), folder) {
		return "", fmt.Errorf("share %q: the data folder %q is in it, with the node's key", s.Folder, data)
	}
	if s.Group != "" && within(real(s.Group), folder) {
		return "", fmt.Errorf("share %q: the group's key %q is in it", s.Folder, s.Group)
	}
	return folder, nil
}

// real follows the links in a path of which the end may not be there yet.
func real(path string) string {
	whole, err := filepath.EvalSymlinks(path)
	if parent := filepath.Dir(path); err != nil && parent != path {
		return filepath.Join(real(parent), filepath.Base(path))
	}
	if err != nil {
		return path
	}
	return whole
}

func within(path, folder string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// watch looks at the folder until ctx ends, and tells what is shared.
func watch(ctx context.Context, out *program.Output, l *library, published func()) error {
	show := func(total int64) (io.Writer, func()) {
		p := out.Progress("hashing", total)
		return p, p.Done
	}
	told := false
	for {
		started := time.Now()
		changed, err := l.refresh(ctx, show, published)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			l.log.Warn("the folder cannot be shared as it is now", "folder", l.folder, "error", err)
		}
		if now := l.current.Load(); changed || !told {
			what := "nothing to share yet"
			if len(now.files) > 0 {
				what = fmt.Sprintf("%s, %s, can be found", program.Count(len(now.files), "file"), program.Size(now.size()))
			}
			out.Print("shared", program.Fields{"files": len(now.files), "bytes": now.size(), "skipped": l.skipped}, "%s%s", what, leftOut(l.skipped))
			told = true
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(max(scanTime, scanShare*time.Since(started))):
		}
	}
}

func leftOut(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; %s left out", program.Count(n, "file"))
}
