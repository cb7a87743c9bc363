package main

import (
	"context"
	"fmt"
	"time"

	"github.com/grapevine-p2p/grapevine/backup"
	"github.com/grapevine-p2p/grapevine/examples/internal/program"
)

type lsCmd struct{}

func (l *lsCmd) Run(ctx context.Context, c *cli, out *program.Output) error {
	return c.with(ctx, out, ownerFolder, "", func(_ *program.Peer, service *backup.Service) error {
		entries, err := service.List(ctx)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			out.Detail("no backup of this key is reachable")
		} else {
			out.Detail("%-12s  %-16s  %10s  %7s  %6s  %s", "ID", "MADE", "SIZE", "FILES", "COPIES", "NAME")
		}
		for _, e := range entries {
			out.Print("backup", program.Fields{
				"id": e.ID.String(), "name": e.Name, "made": e.Made.UTC().Format(time.RFC3339), "bytes": e.Size, "files": e.Files,
				"folders": e.Folders, "links": e.Links, "sealed": e.Sealed, "copies": len(e.Holders), "wanted": e.Replicas,
			}, "%-12s  %-16s  %10s  %7d  %6s  %s", e.ID.Short(), e.Made.Local().Format("2006-01-02 15:04"), program.Size(e.Size),
				e.Files, fmt.Sprintf("%d/%d", len(e.Holders), e.Replicas), e.Name)
		}
		if out.JSON() {
			out.Print("listed", program.Fields{"ok": true, "count": len(entries)}, "")
		}
		return nil
	})
}
