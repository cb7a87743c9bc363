package main

import (
	"context"
	"fmt"

	"github.com/grapevine-p2p/grapevine/backup"
	"github.com/grapevine-p2p/grapevine/examples/internal/program"
	"github.com/grapevine-p2p/grapevine/internal/display"
)

type locateCmd struct {
	Backup string `arg:"" help:"Its name (then the newest of that name), its ID, or the first digits of that."`
}

func (l *locateCmd) Run(ctx context.Context, c *cli, out *program.Output) error {
	return c.with(ctx, out, ownerFolder, "", func(_ *program.Peer, service *backup.Service) error {
		id, err := find(ctx, service, l.Backup)
		if err != nil {
			return err
		}
		found := 0
		for h, err := range service.Locate(ctx, id) {
			if err != nil {
				return err
			}
			found++
			where := ""
			if len(h.Peer.Addrs) > 0 {
				where = " at " + display.Line(h.Peer.Addrs[0].String()) // a stranger's
			}
			out.Print("holder", program.Fields{
				"id": h.Peer.ID, "addrs": h.Peer.Addrs, "hops": h.Hops, "rtt_ms": float64(h.RTT.Microseconds()) / 1000, "sealed": h.Size,
			}, "%s%s, %s, %s", display.Fingerprint(h.Peer.ID.String()), where, program.Count(h.Hops, "hop"), program.Rounded(h.RTT))
		}
		if found == 0 {
			return fmt.Errorf("backup %s: %w", id.Short(), backup.ErrNotFound)
		}
		out.Print("located", program.Fields{"ok": true, "backup": id.String(), "count": found}, "%s of %s reachable", program.Count(found, "holder"), id.Short())
		return nil
	})
}

// find returns the ID that was given, or asks the network for the one of a name.
func find(ctx context.Context, service *backup.Service, nameOrID string) (backup.BlobID, error) {
	if id, err := backup.ParseID(nameOrID); err == nil {
		return id, nil
	}
	entry, err := service.Find(ctx, nameOrID)
	return entry.ID, err
}
