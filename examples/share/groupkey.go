package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/grapevine-p2p/grapevine/examples/internal/program"
	"github.com/grapevine-p2p/grapevine/internal/durable"
)

type groupCmd struct {
	New groupNewCmd `cmd:"" help:"Make the key of a new closed group. Give the file to its members, and to nobody else."`
}

type groupNewCmd struct {
	File string `arg:"" help:"File to write; it must not exist." type:"path"`
}

// groupFlag is the flag of the commands that work in a group too.
type groupFlag struct {
	Group string `help:"Work in the closed group whose key is in this file." placeholder:"FILE" type:"path"`
}

func (g *groupNewCmd) Run(out *program.Output) error {
	var key [groupKeySize]byte
	rand.Read(key[:]) // never fails
	if err := writeNew(g.File, []byte(hex.EncodeToString(key[:])+"\n")); err != nil {
		return fmt.Errorf("make group key: %w", err)
	}
	out.Print("group", program.Fields{"ok": true, "file": g.File}, "made the key of a new group in %s: whoever has it is a member", g.File)
	return nil
}

// writeNew writes a file that does not exist yet, for its owner alone.
func writeNew(name string, data []byte) error {
	fsys := durable.OS{}
	f, err := fsys.Create(name, durable.PrivatePerm)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%q is there already; a lost key cannot be made again", name)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, fsys.Remove(name))
	}
	return fsys.SyncDir(filepath.Dir(name))
}

// load returns the group of the flag; nil without it.
func (g groupFlag) load() (*group, error) {
	if g.Group == "" {
		return nil, nil
	}
	data, err := durable.ReadFile(durable.OS{}, g.Group, maxGroupFile)
	if err != nil {
		return nil, fmt.Errorf("group key: %w", err)
	}
	if err := durable.CheckPrivate(durable.OS{}, g.Group, durable.PrivatePerm); err != nil {
		return nil, fmt.Errorf("group key: %w", err)
	}
	key, ok := parseHex(strings.TrimSpace(string(data)))
	if !ok {
		return nil, fmt.Errorf("group key: %q holds none: want %d hexadecimal digits, as \"share group new\" makes them", g.Group, 2*groupKeySize)
	}
	return newGroup(key)
}
