// Tour shows the whole of Grapevine in one process, over real loopback sockets:
// peers enter through bootstrap servers, two of them chat with every server gone, a
// folder is backed up on others, its owner and most holders are cut off, and a new
// peer finds what is left by a query and restores every byte.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/grapevine-p2p/grapevine/examples/internal/program"
)

type cli struct {
	program.Shell
	Folder string `arg:"" optional:"" default:"docs" help:"Folder to back up and restore (default: docs)." type:"path"`
}

// limit bounds the whole tour, which takes far less.
const limit = 2 * time.Minute

func main() {
	program.Main("tour", "See the whole network work, in one process.", &cli{})
}

// Run tells the story. It fails if anything in it does not hold.
func (c *cli) Run(ctx context.Context, out *program.Output) (err error) {
	if info, err := os.Stat(c.Folder); err != nil || !info.IsDir() {
		return fmt.Errorf("%q is no folder; name the one to back up: tour FOLDER", c.Folder)
	}
	files, err := hashes(c.Folder)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("%q holds no file: there is nothing to back up", c.Folder)
	}
	temp, err := os.MkdirTemp("", "grapevine-tour-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	s := &story{out: out, world: newWorld(temp, c.Logger()), folder: c.Folder, files: files, temp: temp, started: time.Now()}
	defer func() { err = errors.Join(err, s.world.close()) }()
	for i, step := range []func(context.Context) error{
		s.startServers, s.startPeers, s.chat, s.backUp, s.disaster, s.restore,
	} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("step %d of the tour: %w", i+1, err)
		}
	}
	s.end()
	return nil
}
