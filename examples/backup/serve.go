package main

import (
	"context"
	"time"

	"github.com/grapevine-p2p/grapevine/backup"
	"github.com/grapevine-p2p/grapevine/examples/internal/program"
)

type serveCmd struct {
	Quota program.Size `help:"Space to give to others, such as 500MB or 10GiB." default:"10GiB"`
}

// watchTime is how often a change of what is kept is told.
const watchTime = time.Second

func (s *serveCmd) Run(ctx context.Context, c *cli, out *program.Output) error {
	return c.with(ctx, out, holderFolder, "", func(peer *program.Peer, service *backup.Service) error {
		last := service.Usage()
		out.Print("serving", program.Fields{"quota": last.Quota, "blobs": last.Blobs, "held": last.Held, "data": c.Data},
			"giving %s to others, %s of it in use by %s, in %s", program.Size(last.Quota), program.Size(last.Held), program.Count(last.Blobs, "backup"), c.Data)
		every := time.NewTicker(watchTime)
		defer every.Stop()
		for {
			select {
			case <-ctx.Done():
				out.Print("stopping", nil, "stopping")
				return nil
			case <-every.C:
			}
			if now := service.Usage(); now.Blobs != last.Blobs {
				out.Print("holding", program.Fields{"blobs": now.Blobs, "held": now.Held},
					"keeping %s now, %s", program.Count(now.Blobs, "backup"), program.Size(now.Held))
				last = now
			}
		}
	}, backup.WithQuota(int64(s.Quota)))
}
