package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grapevine-p2p/grapevine/backup"
	"github.com/grapevine-p2p/grapevine/examples/internal/program"
)

type getCmd struct {
	Backup    string `arg:"" help:"Its name (then the newest of that name), its ID, or the first digits of that."`
	Dest      string `arg:"" help:"Folder to restore into." type:"path"`
	Overwrite bool   `help:"Replace what is there under the same name."`
}

func (g *getCmd) Run(ctx context.Context, c *cli, out *program.Output) error {
	return c.with(ctx, out, ownerFolder, "", func(_ *program.Peer, service *backup.Service) error {
		id, err := find(ctx, service, g.Backup)
		if err != nil {
			return err
		}
		b := &bar{out: out, name: id.Short()}
		defer b.end()
		started := time.Now()
		r, err := service.Get(ctx, id, g.Dest, backup.GetOptions{Overwrite: g.Overwrite, Progress: b.tell})
		b.end()
		if errors.Is(err, backup.ErrExists) {
			return fmt.Errorf("%w; --overwrite replaces it", err)
		}
		if err != nil {
			return err
		}
		took := time.Since(started)
		out.Print("restored", program.Fields{
			"ok": true, "id": id.String(), "path": r.Path, "files": r.Files, "folders": r.Folders, "links": r.Links, "bytes": r.Size,
			"sealed": r.Sealed, "holders": r.Holders, "skipped": r.Skipped, "seconds": took.Seconds(),
		}, "restored %s: %s, %s, verified, from %s in %s", r.Path, program.Count(r.Files, "file"), program.Size(r.Size), program.Count(len(r.Holders), "holder"), program.Rounded(took))
		for _, name := range r.Skipped {
			out.Detail("  left out, a link that leads out of the backup: %s", name)
		}
		return nil
	})
}
