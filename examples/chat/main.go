// Chat is a peer to talk with: it shows who is online, opens conversations, and
// sends what is typed, one line a message.
package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/grapevine-p2p/grapevine/chat"
	"github.com/grapevine-p2p/grapevine/examples/internal/program"
	"github.com/grapevine-p2p/grapevine/internal/datadir"
)

type cli struct {
	program.Common
	Name   string `help:"What you call yourself; others find you by it." placeholder:"NAME"`
	To     string `help:"Whom to talk with: a name, a peer ID, a multiaddr, or HOST:PORT." placeholder:"WHO"`
	Accept string `help:"Whose conversations to accept: ${enum}. Known are those whom you opened by name before." enum:"all,known,none" default:"all"`
}

func main() {
	program.Main("chat", "Talk with other people's peers, with nobody in between.\n"+
		"Each line that you type, or pipe in, is a message; /help says what else there is.", &cli{})
}

func (c *cli) Run(ctx context.Context, out *program.Output) (err error) {
	closeAll := func(close func() error) { err = errors.Join(err, close()) }
	self, err := program.StartNode(ctx, out, &c.Common, c.Name, true)
	if err != nil {
		return err
	}
	defer closeAll(self.Close)
	opts := []chat.Option{chat.WithLogger(c.Logger()), chat.WithAccept(c.accept)}
	if c.Name != "" {
		opts = append(opts, chat.WithName(c.Name))
	}
	if c.Hidden {
		opts = append(opts, chat.WithoutAnnouncement())
	}
	if self.Directory != nil {
		opts = append(opts, chat.WithResolver(self.Directory))
	}
	service, err := chat.New(self.Node, self.Folder(datadir.Chat), opts...)
	if err != nil {
		return err
	}
	defer closeAll(service.Close)
	return newTalk(out, self, service).run(ctx, c.To)
}

// accept decides on conversations that others open.
func (c *cli) accept(r chat.Request) error {
	switch {
	case c.Accept == "none":
		return fmt.Errorf("no conversations, please")
	case c.Accept == "known" && r.Standing != chat.Known:
		return fmt.Errorf("conversations with known people only, please")
	default:
		return nil
	}
}
