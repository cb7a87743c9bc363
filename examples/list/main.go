// List is a list that people share, and the smallest program with a server of its
// own on the overlay: "list serve" registers a name in the directory and answers
// calls of net/rpc from any peer; "list append" and "list value" look the name up
// and call it.
//
//	list serve  --name groceries --bootstrap ADDR
//	list append --name groceries --bootstrap ADDR milk eggs
//	list value  --name groceries --bootstrap ADDR
package main

import (
	"context"
	"errors"
	"strings"

	"github.com/grapevine-p2p/grapevine/examples/internal/program"
)

type cli struct {
	program.Common
	Name   string    `help:"Name of the list in the directory." required:"" placeholder:"NAME"`
	Serve  serveCmd  `cmd:"" help:"Serve the list until stopped; then the name is free again."`
	Append appendCmd `cmd:"" help:"Add items at the end."`
	Value  valueCmd  `cmd:"" help:"Show the list."`
}

// service is what the list is called on its peer, and the version of what it speaks.
const service = "examples.list/1"

var errNoDirectory = errors.New("no bootstrap server was given (--bootstrap, a multiaddr): it is where the name of a list is kept")

func main() {
	program.Main("list", "Share a list under a name.", &cli{})
}

// Validate is called by kong.
func (c *cli) Validate() error {
	if strings.TrimSpace(c.Name) == "" {
		return errors.New("--name: want a name, such as groceries")
	}
	return nil
}

type serveCmd struct{}

func (*serveCmd) Run(ctx context.Context, c *cli, out *program.Output) (err error) {
	closing := func(close func() error) { err = errors.Join(err, close()) }
	servers, err := c.Seeds()
	if err != nil {
		return err
	}
	if len(servers) == 0 {
		return errNoDirectory
	}
	if err := c.ChooseData("-list"); err != nil {
		return err
	}
	self, err := program.StartNode(ctx, out, &c.Common, "", true)
	if err != nil {
		return err
	}
	defer closing(self.Close) // and the name is removed from the directory
	list, err := openList(self.Folder("list"), c.Name, c.Logger())
	if err != nil {
		return err
	}
	defer closing(list.close)
	listener, err := self.Node.Listen(service)
	if err != nil {
		return err
	}
	if _, err := self.Directory.Register(ctx, c.Name); err != nil {
		return errors.Join(err, listener.Close())
	}
	out.Print("serving", program.Fields{"name": c.Name, "length": len(list.items), "data": c.Data},
		"serving %q, which has %s, from %s", c.Name, program.Count(len(list.items), "item"), c.Data)
	defer out.Print("stopping", program.Fields{"ok": true}, "stopping")
	return serve(ctx, listener, list)
}
