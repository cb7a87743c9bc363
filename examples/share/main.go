// Share is what Gnutella was for: "share serve" offers the files of a folder to
// everybody in the overlay, "share search" finds files by the words of their names,
// "share get" downloads one from several holders at once, every byte verified.
//
//	share serve  ~/Music --bootstrap ADDR
//	share search canção ninar --bootstrap ADDR
//	share get    canção ninar --bootstrap ADDR
//
// With --group FILE all three work among those who have the same key; everybody else
// carries their questions and answers and can read neither.
package main

import (
	"context"
	"errors"

	"github.com/grapevine-p2p/grapevine/examples/internal/program"
)

type cli struct {
	program.Common

	Serve  serveCmd  `cmd:"" help:"Share a folder until stopped. Whoever asks can read what is in it."`
	Search searchCmd `cmd:"" help:"Find files by the words of their names."`
	Get    getCmd    `cmd:"" help:"Download a file from all who have it."`
	Group  groupCmd  `cmd:"" help:"Keys of closed groups."`
}

// service is what peers dial to read files, and the version of what it speaks.
const service = "examples.share/1"

// The data folders if nobody said otherwise, so that one user searches while sharing.
const (
	holderFolder = "-share"
	askerFolder  = "-share-get"
)

func main() {
	program.Main("share", "Share files with everybody, find them and get them, without a server.", &cli{})
}

// with runs do with a node in the overlay and closes it.
func (c *cli) with(ctx context.Context, out *program.Output, suffix string, do func(*program.Peer) error) (err error) {
	if err := c.ChooseData(suffix); err != nil {
		return err
	}
	peer, err := program.StartNode(ctx, out, &c.Common, "", suffix == holderFolder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, peer.Close()) }()
	return peer.Advise(do(peer))
}
