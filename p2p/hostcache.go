package p2p

import (
	"fmt"
	"iter"
	"log/slog"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/datadir"
	"github.com/grapevine-p2p/grapevine/internal/durable"
	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// hostCache keeps contacts over a restart, so that a node which has been online
// once needs no bootstrap server: a log with one contact a record, best first,
// rewritten as a whole.
type hostCache struct {
	log *durable.Log
}

func openHostCache(dir *datadir.Dir, log *slog.Logger) (*hostCache, error) {
	name := filepath.Join(dir.Path(datadir.Node), "contacts")
	file, repair, err := durable.OpenLog(dir.FS(), name)
	if err != nil {
		return nil, fmt.Errorf("host cache: %w", err)
	}
	if repair != (durable.Repair{}) {
		log.Warn("host cache repaired; some contacts of former runs are lost", "file", name,
			"bytes lost", repair.Lost+repair.Cut, "kept for a look at", repair.Quarantine)
	}
	return &hostCache{file}, nil
}

// load returns the saved contacts that still prove themselves.
func (h *hostCache) load(proof *contacts) (saved []wire.Contact) {
	for rec, err := range h.log.Records() {
		var c pb.Contact
		if err != nil || proto.Unmarshal(rec, &c) != nil {
			continue
		}
		contact := wire.Contact{Peer: wire.PeerID(c.GetPeer()), Record: c.GetRecord()}
		if addrs, err := proof.addrs(contact); err == nil && len(addrs) > 0 {
			saved = append(saved, contact)
		}
	}
	return saved
}

func (h *hostCache) save(contacts []overlay.Saved) error {
	records := func(yield func([]byte, error) bool) {
		for _, s := range contacts {
			if len(s.Contact.Record) == 0 {
				continue
			}
			rec, err := proto.Marshal(&pb.Contact{Peer: []byte(s.Contact.Peer), Record: s.Contact.Record})
			if !yield(rec, err) {
				return
			}
		}
	}
	if err := h.log.Rewrite(iter.Seq2[[]byte, error](records)); err != nil {
		return fmt.Errorf("save host cache: %w", err)
	}
	return nil
}

func (h *hostCache) close() error { return h.log.Close() }

func (n *Node) hostCache() []overlay.Saved {
	n.driver.mu.Lock()
	defer n.driver.mu.Unlock()
	if len(n.saved) > 0 {
		return nil
	}
	return n.driver.core.HostCache()
}

// saveCache writes the host cache now and then. A node that knows nobody, and one
// that has not joined yet, leaves what is there.
func (n *Node) saveCache() {
	every := time.NewTicker(cacheSaveTime)
	defer every.Stop()
	for {
		select {
		case <-n.ctx.Done():
			return
		case <-every.C:
			if err := n.saveHostCache(); err != nil {
				n.log.Error("host cache not saved", "error", err)
			}
		}
	}
}

func (n *Node) saveHostCache() error {
	known := n.hostCache()
	if len(known) == 0 {
		return nil
	}
	return n.cache.save(known)
}
