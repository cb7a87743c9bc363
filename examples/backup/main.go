// Backup keeps files on other people's machines: "backup serve" offers space,
// "backup put" stores a file or folder sealed and replicated, "backup get" brings it
// back from whichever peers are alive, on any machine that has the key.
package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/grapevine-p2p/grapevine/backup"
	"github.com/grapevine-p2p/grapevine/examples/internal/program"
	"github.com/grapevine-p2p/grapevine/internal/datadir"
	"github.com/grapevine-p2p/grapevine/internal/durable"
)

type cli struct {
	program.Common
	Key string `help:"Backup key to use instead of the one in the data folder, or @FILE to read it from a file, where no other user sees it in the list of processes." placeholder:"KEY"`

	Serve   serveCmd  `cmd:"" help:"Keep backups for others, until stopped."`
	Put     putCmd    `cmd:"" help:"Back files and folders up."`
	Ls      lsCmd     `cmd:"" help:"List your backups and how many copies are reachable."`
	Locate  locateCmd `cmd:"" help:"Ask the network who holds a backup."`
	Get     getCmd    `cmd:"" help:"Restore a backup."`
	ShowKey keyCmd    `cmd:"" name:"key" help:"Print the key that your backups are sealed with. Keep a copy elsewhere: without it nothing can be read."`
}

func main() {
	program.Main("backup", "Keep files on other people's machines, sealed and replicated, without a server.", &cli{})
}

// Validate is called by kong. A file is read only when the key is needed.
func (c *cli) Validate() error {
	if c.Key == "" || strings.HasPrefix(c.Key, "@") {
		return nil
	}
	_, err := parseKey(c.Key)
	return err
}

func parseKey(text string) (backup.Key, error) {
	key, err := backup.ParseKey(text)
	if err != nil {
		err = fmt.Errorf("--key: %w", err)
	}
	return key, err
}

// maxKeyFile bounds what --key @FILE reads.
const maxKeyFile = 1 << 10

// serviceOptions are the options of --key.
func (c *cli) serviceOptions() ([]backup.Option, error) {
	opts := []backup.Option{backup.WithLogger(c.Logger())}
	if c.Key == "" {
		return opts, nil
	}
	text := c.Key
	if name, ok := strings.CutPrefix(text, "@"); ok {
		data, err := durable.ReadFile(durable.OS{}, name, maxKeyFile)
		if err != nil {
			return nil, fmt.Errorf("--key: %w", err)
		}
		text = string(data)
	}
	key, err := parseKey(text)
	if err != nil {
		return nil, err
	}
	return append(opts, backup.WithKey(key)), nil
}

// The data folders if nobody said otherwise: not the one of other programs, so that a
// holder, an owner and a chat of one user run beside each other.
const (
	ownerFolder  = "-backup"
	holderFolder = "-holder"
)

// with runs do with a service in the overlay and closes everything after it.
func (c *cli) with(ctx context.Context, out *program.Output, suffix, name string, do func(*program.Peer, *backup.Service) error, opts ...backup.Option) (err error) {
	if err := c.ChooseData(suffix); err != nil {
		return err
	}
	all, err := c.serviceOptions()
	if err != nil {
		return err
	}
	peer, err := program.StartNode(ctx, out, &c.Common, name, suffix == holderFolder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, peer.Close()) }()
	service, err := backup.New(peer.Node, peer.Folder(datadir.Backup), append(all, opts...)...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, service.Close()) }()
	return peer.Advise(do(peer, service))
}

type keyCmd struct{}

func (k *keyCmd) Run(c *cli, out *program.Output) (err error) {
	if err := c.ChooseData(ownerFolder); err != nil {
		return err
	}
	dir, err := datadir.Open(c.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	key, err := backup.LoadKey(dir.Path(datadir.Backup))
	if err != nil {
		return err
	}
	out.Print("key", program.Fields{"ok": true, "key": key.Text()}, "%s", key.Text())
	return nil
}
