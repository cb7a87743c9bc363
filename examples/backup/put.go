package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/grapevine-p2p/grapevine/backup"
	"github.com/grapevine-p2p/grapevine/examples/internal/program"
	"github.com/grapevine-p2p/grapevine/internal/display"
)

type putCmd struct {
	Path     []string `arg:"" help:"Files and folders." type:"path"`
	Replicas int      `short:"r" help:"Copies to keep, on as many machines." default:"3"`
}

// Validate is called by kong.
func (p *putCmd) Validate() error {
	if p.Replicas < 1 || p.Replicas > backup.MaxReplicas {
		return fmt.Errorf("--replicas: want 1 to %d", backup.MaxReplicas)
	}
	return nil
}

func (p *putCmd) Run(ctx context.Context, c *cli, out *program.Output) error {
	for _, path := range p.Path {
		if _, err := os.Lstat(path); err != nil {
			return fmt.Errorf("back up %q: %w", path, err)
		}
	}
	return c.with(ctx, out, ownerFolder, "", func(_ *program.Peer, service *backup.Service) error {
		var failed []error
		for _, path := range p.Path {
			if err := p.one(ctx, out, service, path); err != nil {
				failed = append(failed, err)
			}
			if ctx.Err() != nil {
				break
			}
		}
		return errors.Join(failed...)
	})
}

func (p *putCmd) one(ctx context.Context, out *program.Output, service *backup.Service, path string) error {
	b := &bar{out: out, name: filepath.Base(path)}
	defer b.end()
	started := time.Now()
	r, err := service.Put(ctx, path, backup.PutOptions{Replicas: p.Replicas, Progress: b.tell})
	b.end()
	if err != nil && (!errors.Is(err, backup.ErrTooFewHolders) || len(r.Holders) == 0) {
		return err
	}
	took, stored := time.Since(started), "stored"
	if err != nil { // the copies that there are can be restored all the same
		stored = "stored too few copies of"
	}
	out.Print("stored", program.Fields{
		"ok": err == nil, "path": path, "name": r.Name, "id": r.ID.String(), "files": r.Files, "folders": r.Folders, "links": r.Links,
		"bytes": r.Size, "sealed": r.Sealed, "sent": r.Sent, "holders": r.Holders, "skipped": r.Skipped, "seconds": took.Seconds(),
	}, "%s %s: %s, %s, sealed %s, as %s on %s in %s", stored, r.Name, program.Count(r.Files, "file"), program.Size(r.Size), program.Size(r.Sealed), r.ID.Short(), program.Count(len(r.Holders), "holder"), program.Rounded(took))
	for _, id := range r.Holders {
		out.Detail("  on %s", display.Fingerprint(id.String()))
	}
	for _, name := range r.Skipped {
		out.Detail("  left out, not a file: %s", name)
	}
	return err
}
