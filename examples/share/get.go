package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/examples/internal/program"
	"github.com/grapevine-p2p/grapevine/internal/display"
	"github.com/grapevine-p2p/grapevine/p2p"
)

type getCmd struct {
	groupFlag
	travel
	What  []string `arg:"" help:"Its ID, as search prints it, or words of its name that no other file has." name:"id|words"`
	To    place    `help:"Folder to put it into, made if it ends in a slash, or the name that it gets. Default: this folder." placeholder:"PATH" default:"."`
	Force bool     `help:"Replace what is there under the same name."`
}

// Validate is called by kong.
func (g *getCmd) Validate() error { return errors.Join(g.check(g.What), g.To.check()) }

func (g *getCmd) Run(ctx context.Context, c *cli, out *program.Output) error {
	group, err := g.load()
	if err != nil {
		return err
	}
	if _, _, err := g.apply(p2p.Query{Words: group.ask(g.What)}); err != nil {
		return err
	}
	return c.with(ctx, out, askerFolder, func(peer *program.Peer) error {
		d := &download{get: g, group: group, node: peer.Node, out: out, wait: ordinary()}
		return d.run(ctx)
	})
}

// download is one run of "share get".
type download struct {
	get   *getCmd
	group *group
	node  *p2p.Node
	out   *program.Output
	wait  patience

	bar     *program.Progress
	resumed int64
}

func (d *download) run(ctx context.Context) error {
	wanted, err := d.choose(ctx)
	if err != nil {
		return err
	}
	dest, err := d.get.destination(wanted)
	if err != nil {
		return err
	}
	started := time.Now()
	f := &fetching{id: wanted.ID, dest: dest, force: d.get.Force, slow: d.wait.stall / 4}
	f.begun, f.came, f.saved, f.dropped = d.begun(dest), d.came, d.saved, d.dropped
	f.prepare()
	err = d.fetch(ctx, f)
	if d.bar != nil {
		d.bar.Done()
	}
	switch {
	case f.part == nil:
		return err
	case err == nil:
		err = f.part.finish()
	default:
		if kept := f.part.close(); kept != nil {
			return errors.Join(err, kept)
		}
		d.out.Print("kept", program.Fields{"path": dest, "have": f.part.have(), "bytes": f.part.size},
			"%s of %s are kept; the same command goes on from there", program.Size(f.part.have()), program.Size(f.part.size))
	}
	if err != nil {
		return err
	}
	took, what := time.Since(started), "an empty file"
	if f.part.size > 0 {
		what = fmt.Sprintf("%s, verified, from %s in %s", program.Size(f.part.size), program.Count(len(f.from), "holder"), program.Rounded(took))
	}
	from := map[string]int64{}
	for id, n := range f.from {
		from[id.String()] = n
	}
	d.out.Print("got", program.Fields{
		"ok": true, "id": wanted.ID.String(), "path": dest, "bytes": f.part.size, "resumed": d.resumed, "from": from, "seconds": took.Seconds(),
	}, "got %s: %s", dest, what)
	return nil
}

// choose finds out which content is meant, and what it is called: the same whoever
// answers first. For a name alone it does not wait long.
func (d *download) choose(ctx context.Context) (listing, error) {
	what := strings.Join(d.get.What, " ")
	query := p2p.Query{Words: d.group.ask(d.get.What), Max: maxFound}
	id, byID := parseHex(what)
	if byID {
		query = p2p.Query{Key: d.group.handle(id).key(), Max: maxHolders}
	}
	var found results
	searching, cancel := context.WithCancel(ctx)
	defer cancel()
	report, err := d.ask(searching, query, func(l listing, hit p2p.Hit) bool {
		if byID && l.ID != id {
			return true
		}
		if byID && len(found.all) == 0 {
			time.AfterFunc(nameTime, cancel)
		}
		found.add(l, hit)
		return true
	})
	if err != nil && (ctx.Err() != nil || len(found.all) == 0) {
		return listing{}, err
	}
	switch len(found.all) {
	case 0:
		return listing{}, fmt.Errorf("search for %q: %w; %s", what, errNothing, report)
	case 1:
		return found.all[0].listing, nil
	}
	found.show(d.out)
	return listing{}, fmt.Errorf("%q names %d files: choose one by its ID", what, len(found.all))
}

// ask asks the overlay until each says that it is enough.
func (d *download) ask(ctx context.Context, q p2p.Query, each func(listing, p2p.Hit) bool) (*p2p.Report, error) {
	q, report, err := d.get.apply(q)
	if err != nil {
		return report, err
	}
	answered := false
	for hit, err := range d.node.Query(ctx, q) {
		if err != nil {
			return report, err
		}
		answered = true
		l, err := d.group.listing(hit)
		if err != nil {
			d.node.Reject(hit)
			continue
		}
		d.get.explain(d.out, d.node.ID(), hit.Path)
		if !each(l, hit) {
			break
		}
	}
	if !answered {
		d.get.explain(d.out, d.node.ID(), report.Path)
	}
	return report, nil
}

// destination is the path that the download gets: in a folder that of an earlier
// attempt, else by the name that its holder tells.
func (g *getCmd) destination(wanted listing) (string, error) {
	dest, folder, err := g.To.open()
	if err != nil {
		return "", err
	}
	if folder {
		if begun, ok := unfinished(dest, wanted.ID); ok {
			return begun, nil
		}
		name := ownName(wanted.Name)
		if name == "" {
			name = wanted.ID.String()
		}
		dest = filepath.Join(dest, name)
	}
	switch info, err := os.Lstat(dest); {
	case errors.Is(err, fs.ErrNotExist):
		return dest, nil
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%q is there already and is no file", dest)
	case !g.Force:
		return "", fmt.Errorf("%q is there already; --force replaces it", dest)
	}
	return dest, nil
}

// fetch searches for holders and downloads from them, again while that helps.
func (d *download) fetch(ctx context.Context, f *fetching) (err error) {
	for round := 0; round < maxRounds; round++ {
		before := f.bytes()
		err = d.once(ctx, f)
		if !errors.Is(err, errNoHolders) || ctx.Err() != nil {
			return err
		}
		if f.bytes() > before {
			round = -1
		}
	}
	return err
}

// once downloads from those whom one search finds, while it goes on.
func (d *download) once(ctx context.Context, f *fetching) error {
	searching, cancel := context.WithCancel(ctx)
	holders := make(chan *holder)
	searched := make(chan error, 1)
	go func() {
		defer close(holders)
		searched <- d.search(searching, f.id, holders)
	}()
	err := f.run(ctx, holders)
	cancel()
	for h := range holders {
		h.close()
	}
	if found := <-searched; err != nil && found != nil && !errors.Is(found, context.Canceled) {
		err = found
	}
	return err
}

func (d *download) search(ctx context.Context, id contentID, holders chan<- *holder) error {
	seen := map[peer.ID]bool{}
	at := d.group.handle(id)
	_, err := d.ask(ctx, p2p.Query{Key: at.key(), Max: maxHolders}, func(l listing, hit p2p.Hit) bool {
		if l.ID != id || seen[hit.From.ID] || hit.From.ID == d.node.ID() {
			return true
		}
		seen[hit.From.ID] = true
		h := newHolder(d.node, hit.From, at, d.group.proof(hit.From.ID, d.node.ID()), l.Size, d.wait)
		h.accuse = func() { d.node.Reject(hit) }
		select {
		case <-ctx.Done():
			return false
		case holders <- h:
			return true
		}
	})
	return err
}

func (d *download) begun(dest string) func(have, size int64) {
	return func(have, total int64) {
		d.resumed = have
		d.out.Print("begun", program.Fields{"path": dest, "bytes": total, "have": have}, "getting %s, %s%s", dest, program.Size(total), goesOn(have))
		d.bar = d.out.Progress(filepath.Base(dest), total-have) // what is there came at another time
	}
}

func goesOn(have int64) string {
	if have == 0 {
		return ""
	}
	return fmt.Sprintf(", of which %s are there", program.Size(have))
}

func (d *download) came(_ peer.ID, bytes int64) { d.bar.Add(bytes) }

func (d *download) saved(have, total int64) {
	if d.out.JSON() {
		d.out.Print("progress", program.Fields{"have": have, "bytes": total}, "")
	}
}

func (d *download) dropped(id peer.ID, err error) {
	d.out.Print("dropped", program.Fields{"holder": id, "error": err.Error()}, "holder %s dropped: %s", display.Fingerprint(id.String()), display.Line(err.Error()))
}
