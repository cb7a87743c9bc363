package main

import (
	"context"
	"errors"
	"fmt"
	"net/rpc"

	"github.com/grapevine-p2p/grapevine/bootstrap"
	"github.com/grapevine-p2p/grapevine/examples/internal/program"
	"github.com/grapevine-p2p/grapevine/internal/dialcause"
	"github.com/grapevine-p2p/grapevine/internal/display"
	"github.com/grapevine-p2p/grapevine/p2p"
)

type appendCmd struct {
	Items []string `arg:"" help:"What to add."`
}

func (a *appendCmd) Run(ctx context.Context, c *cli, out *program.Output) error {
	if err := check(a.Items); err != nil {
		return err
	}
	var length int
	if err := c.call(ctx, "DBList.Append", a.Items, &length); err != nil {
		return err
	}
	out.Print("appended", program.Fields{"ok": true, "name": c.Name, "length": length}, "%q has %s now", c.Name, program.Count(length, "item"))
	return nil
}

type valueCmd struct{}

func (*valueCmd) Run(ctx context.Context, c *cli, out *program.Output) error {
	items := []string{}
	if err := c.call(ctx, "DBList.Value", 0, &items); err != nil {
		return err
	}
	if out.JSON() {
		out.Print("value", program.Fields{"ok": true, "name": c.Name, "items": items}, "")
	}
	for _, item := range items {
		out.Detail("%s", display.Line(item))
	}
	return nil
}

// call finds the list's peer in the directory and calls a method of it. Its own peer
// is somebody new each time, and joins nobody.
func (c *cli) call(ctx context.Context, method string, args, reply any) (err error) {
	closing := func(close func() error) { err = errors.Join(err, close()) }
	servers, err := c.Seeds()
	if err != nil {
		return err
	}
	if len(servers) == 0 {
		return errNoDirectory
	}
	opts := []p2p.Option{p2p.WithNetwork(c.Network), p2p.WithLogger(c.Logger())}
	if len(c.Listen) > 0 {
		opts = append(opts, p2p.WithListenAddrs(c.Listen...))
	}
	node, err := p2p.New(opts...)
	if err != nil {
		return err
	}
	defer closing(node.Close)
	directory, err := bootstrap.ClientConfig{Network: c.Network, Logger: c.ClientLogger()}.NewClient(node.Host(), servers...)
	if err != nil {
		return err
	}
	defer closing(directory.Close)

	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	peer, err := directory.Resolve(ctx, c.Name)
	if errors.Is(err, bootstrap.ErrNotRegistered) {
		return fmt.Errorf("nobody serves a list called %q: %w", c.Name, err)
	}
	if err != nil {
		return err
	}
	if err := node.Host().Connect(ctx, peer); err != nil {
		return fmt.Errorf("the peer that serves %q does not answer: %w", c.Name, dialcause.First(err))
	}
	conn, err := node.Dial(ctx, peer.ID, service)
	if errors.Is(err, p2p.ErrNoService) {
		return fmt.Errorf("the peer called %q serves no list: %w", c.Name, err)
	}
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	client := rpc.NewClient(bounded(conn, maxReplied))
	defer client.Close()
	if err := client.Call(method, args, reply); err != nil {
		return fmt.Errorf("call the list %q: %w", c.Name, err)
	}
	return nil
}
