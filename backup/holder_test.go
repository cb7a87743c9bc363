package backup

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/durable/durabletest"
	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// Conns on which nothing is asked keep nobody else out, and end soon.
func TestIdleConnsTakeNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := testStore(durabletest.NewMem())
		if err != nil {
			t.Fatal(err)
		}
		h := &holder{
			service: &Service{ctx: context.Background(), times: defaultTimes()}, store: s, log: slog.New(slog.DiscardHandler),
			awaited:   transfers{most: math.MaxInt, each: maxPeerTransfers},
			transfers: transfers{most: maxTransfers, each: maxPeerTransfers},
		}
		var serving sync.WaitGroup
		dial := func(remote peer.ID) *link {
			here, there := net.Pipe()
			serving.Go(func() { h.serve(there, remote) })
			return newLink(here, defaultTimes())
		}
		var idle []*link
		for i := range maxTransfers {
			idle = append(idle, dial(peer.ID(fmt.Sprint("idle ", i/maxPeerTransfers))))
		}
		synctest.Wait()
		if n := h.transfers.active(); n != 0 {
			t.Errorf("%d transfers on idle conns", n)
		}

		// One more of an idle peer is refused, another peer is served.
		m, err := dial("idle 0").receive(wire.MaxControlFrame, 0)
		if refusalOf(err).GetCode() != pb.BackupRefusalCode_BACKUP_BUSY {
			t.Errorf("too many idle conns: %v, %v", m, err)
		}
		l := dial("busy")
		ask := &pb.ListBlobs{Owner: make([]byte, len(Owner{}))}
		if err := l.send(&pb.BackupMessage{Body: &pb.BackupMessage_List{List: ask}}, 0); err != nil {
			t.Fatal(err)
		}
		if m, err := l.receive(wire.MaxControlFrame, 0); err != nil || m.GetEnd() == nil {
			t.Errorf("answered %v, %v", m, err)
		}

		for _, l := range idle {
			if m, err := l.receive(wire.MaxControlFrame, 2*requestTime); refusalOf(err).GetCode() != pb.BackupRefusalCode_BACKUP_MALFORMED {
				t.Errorf("an idle conn ended with %v, %v", m, err)
			}
		}
		serving.Wait()
	})
}

// A holder whose transfers are all under way says so, as its summary promises.
func TestBusyHolderOffers(t *testing.T) {
	s, err := testStore(durabletest.NewMem())
	if err != nil {
		t.Fatal(err)
	}
	own, err := libp2p.New(libp2p.NoListenAddrs)
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	h := &holder{
		service: &Service{times: defaultTimes()}, store: s, log: slog.New(slog.DiscardHandler),
		transfers: transfers{most: maxTransfers, each: maxPeerTransfers}, record: ownRecord{host: own},
	}
	for i := range maxTransfers {
		if !h.transfers.begin(peer.ID(fmt.Sprint("peer ", i/maxPeerTransfers))) {
			t.Fatalf("transfer %d is refused", i)
		}
	}
	items := index{holder: h}.offer()
	var o pb.Offer
	if len(items) != 1 || proto.Unmarshal(items[0].Data, &o) != nil || o.Active != maxTransfers {
		t.Errorf("offered: %v, with %d transfers", items, o.Active)
	}
}
