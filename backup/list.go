package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// Entry is one backup of the owner.
type Entry struct {
	ID BlobID
	Contents
	Sealed  int64 // size of the blob, in bytes
	Made    time.Time
	Holders []peer.AddrInfo // live ones that say that they hold it
}

// List asks the holders that are reachable what they have of the owner, and returns
// it, the newest first. What only holders that are away have is missing.
func (s *Service) List(ctx context.Context) ([]Entry, error) {
	ctx, end, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	var (
		wg     sync.WaitGroup
		gather = gathering{entries: make(map[BlobID]*Entry)}
	)
	for hit, err := range s.ask(ctx, ownerKey(s.key.Owner()), maxHolders, locateQuiet) {
		if err != nil {
			wg.Wait()
			return nil, fmt.Errorf("list backups: %w", err)
		}
		wg.Go(func() { // at most maxHolders of them
			if err := s.listFrom(ctx, hit.From, &gather); err != nil {
				s.log.Warn("holder not listed", "peer", hit.From.ID, "error", err)
			}
		})
	}
	wg.Wait()
	return gather.sorted(), ctx.Err()
}

// Find returns the backup that has this ID, or whose ID begins so (8 digits or more),
// or else the newest of this name. ErrNotFound, or ErrAmbiguous.
func (s *Service) Find(ctx context.Context, nameOrID string) (Entry, error) {
	entries, err := s.List(ctx)
	if err != nil {
		return Entry{}, err
	}
	return choose(entries, nameOrID)
}

const minPrefix = 8

// choose is Find's choice; entries are the newest first.
func choose(entries []Entry, nameOrID string) (Entry, error) {
	for _, e := range entries {
		if e.Name == nameOrID {
			return e, nil
		}
	}
	var fit []Entry
	if len(nameOrID) >= minPrefix {
		for _, e := range entries {
			if strings.HasPrefix(e.ID.String(), strings.ToLower(nameOrID)) {
				fit = append(fit, e)
			}
		}
	}
	switch len(fit) {
	case 0:
		return Entry{}, fmt.Errorf("backup %q: %w", nameOrID, ErrNotFound)
	case 1:
		return fit[0], nil
	}
	return Entry{}, fmt.Errorf("backup %q: %w: give more digits", nameOrID, ErrAmbiguous)
}

// gathering merges what holders list.
type gathering struct {
	mu      sync.Mutex
	entries map[BlobID]*Entry
}

func (g *gathering) add(o *order, c Contents, holder peer.AddrInfo) {
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.entries[o.id]
	if e == nil {
		e = &Entry{ID: o.id, Contents: c, Sealed: o.size, Made: o.made}
		g.entries[o.id] = e
	}
	if !slices.ContainsFunc(e.Holders, func(h peer.AddrInfo) bool { return h.ID == holder.ID }) {
		e.Holders = append(e.Holders, holder)
	}
}

func (g *gathering) sorted() []Entry {
	var out []Entry
	for _, e := range g.entries {
		slices.SortFunc(e.Holders, func(a, b peer.AddrInfo) int { return cmp.Compare(a.ID, b.ID) })
		out = append(out, *e)
	}
	slices.SortFunc(out, func(a, b Entry) int {
		return cmp.Or(b.Made.Compare(a.Made), cmp.Compare(a.ID.String(), b.ID.String()))
	})
	return out
}

// listFrom adds what one holder lists. Orders that the owner did not sign are refused:
// nobody can put a backup there that the owner did not make.
func (s *Service) listFrom(ctx context.Context, from peer.AddrInfo, g *gathering) error {
	l, err := s.dial(ctx, from.ID)
	if err != nil {
		return err
	}
	defer l.close()
	stop := context.AfterFunc(ctx, l.close)
	defer stop()
	owner := s.key.Owner()
	if err := l.send(&pb.BackupMessage{Body: &pb.BackupMessage_List{List: &pb.ListBlobs{Owner: owner[:]}}}, 0); err != nil {
		return err
	}
	for range maxListed {
		m, err := l.receive(wire.MaxControlFrame, l.times.idle)
		if err != nil {
			return err
		}
		if m.GetEnd() != nil {
			return nil
		}
		if m.GetHolding() == nil {
			return unexpected(m, "Holding")
		}
		o, c, err := s.ownOrder(m.GetHolding().GetOrder())
		if err != nil {
			return err
		}
		g.add(o, c, from)
	}
	return errors.New("too many blobs")
}

// ownOrder proves that an order is the owner's, and reads its label.
func (s *Service) ownOrder(signed *pb.Order) (*order, Contents, error) {
	o, err := checkOrder(s.node.Network(), signed)
	if err != nil {
		return nil, Contents{}, err
	}
	if o.owner != s.key.Owner() {
		return nil, Contents{}, ErrWrongKey
	}
	c, err := openLabel(s.key, o.id, o.label)
	return o, c, err
}
