package backup_test

import (
	"bufio"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/backup"
	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
	"github.com/grapevine-p2p/grapevine/p2p"
)

func TestFallOverWhenHolderIsCut(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4, nil)
	owner := newService(t, c.Nodes[0], t.TempDir(), backup.WithKey(c.owner.Key()), backup.WithPatience(2*time.Second))
	folder := makeFolder(t, 6<<20)
	r := c.put(folder, 3)
	var once sync.Once
	var first peer.ID
	var at int64
	got, err := owner.Get(t.Context(), r.ID, t.TempDir(), backup.GetOptions{Progress: func(p backup.Progress) {
		if p.Stage != backup.StageFetch {
			return
		}
		once.Do(func() {
			first = p.Holder
			c.cut(first)
		})
		if p.Done < at {
			t.Errorf("went back from %d to %d", at, p.Done)
		}
		at = p.Done
	}})
	must(t, err)
	sameTree(t, got.Path, folder)
	if len(got.Holders) < 2 || got.Holders[0] != first || slices.Contains(got.Holders[1:], first) {
		t.Errorf("bytes from %v; %s was cut off", got.Holders, first)
	}
}

func TestFallOverFromDamagedDisk(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, nil)
	folder := makeFolder(t, 6<<20)
	r := c.put(folder, 2)
	// Damage the copy of the holder that answers first.
	var first peer.ID
	for h, err := range c.owner.Locate(t.Context(), r.ID) {
		must(t, err)
		first = h.Peer.ID
		break
	}
	at := slices.IndexFunc(c.Nodes, func(n *p2p.Node) bool { return n.ID() == first }) - 1
	name := filepath.Join(c.folders[at], "blobs", r.ID.String()[:2], r.ID.String())
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	must(t, err)
	_, err = f.WriteAt([]byte("damage"), r.Sealed/2)
	must(t, err)
	must(t, f.Close())

	for i := 0; c.holders[at].Usage().Blobs > 0; i++ {
		if i == 20 {
			t.Fatal("the damaged holder was never asked")
		}
		got, err := c.owner.Get(t.Context(), r.ID, t.TempDir(), backup.GetOptions{})
		must(t, err)
		sameTree(t, got.Path, folder)
	}
	if _, err := os.Stat(filepath.Join(c.folders[at], "damaged", r.ID.String())); err != nil {
		t.Error(err)
	}
}

// A holder that sends a wrong byte, or another blob, costs a restore nothing.
func TestFallOverFromLiar(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, nil)
	folder := makeFolder(t, 6<<20)
	r := c.put(folder, 1)
	honest := slices.IndexFunc(c.Nodes, func(n *p2p.Node) bool { return n.ID() == r.Holders[0] })
	liar := c.Nodes[3-honest] // nodes 1 and 2
	must(t, c.holders[2-honest].Close())

	l, err := liar.Listen(wire.BackupService)
	must(t, err)
	defer l.Close()
	defer liar.Share(p2p.Items{{Key: backup.BlobKey(r.ID), Size: r.Sealed}})()
	lied := make(chan error, 100)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(patience))
			lied <- relayLying(c.Nodes[honest], liar, conn)
			_ = conn.Close()
		}
	}()
	for i := 0; len(lied) == 0; i++ {
		if i == 20 {
			t.Fatal("the liar was never asked")
		}
		got, err := c.owner.Get(t.Context(), r.ID, t.TempDir(), backup.GetOptions{})
		must(t, err)
		sameTree(t, got.Path, folder)
	}
	must(t, <-lied)
}

// A restore that cannot be ends at once and says why, though its holder says nothing.
func TestFailedRestoreStopsFetch(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, nil)
	name := filepath.Join(t.TempDir(), "file")
	writeFile(t, name, 100_000, 1)
	r := c.put(name, 1)
	conn := c.dialHolder()
	must(t, wire.WriteFrame(conn, wire.MaxControlFrame, &pb.BackupMessage{Body: &pb.BackupMessage_Fetch{Fetch: &pb.Fetch{Id: r.ID[:]}}}))
	var blob pb.BackupMessage
	must(t, wire.ReadFrame(bufio.NewReader(conn), wire.MaxControlFrame, &blob))
	must(t, conn.Close())
	must(t, c.holders[0].Close())

	// In the holder's place, one that never sends a slice.
	silent := c.Nodes[1]
	l, err := silent.Listen(wire.BackupService)
	must(t, err)
	defer l.Close()
	defer silent.Share(p2p.Items{{Key: backup.BlobKey(r.ID), Size: r.Sealed}})()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			_ = wire.WriteFrame(conn, wire.MaxControlFrame, &blob)
		}
	}()
	_, err = c.owner.Get(t.Context(), r.ID, filepath.Dir(name), backup.GetOptions{})
	if !errors.Is(err, backup.ErrExists) {
		t.Errorf("restored over what is there, from a silent holder: %v", err)
	}
}

// relayLying passes on what an honest holder says, with one bit of the third slice
// flipped.
func relayLying(honest, liar *p2p.Node, conn interface {
	Read([]byte) (int, error)
	Write([]byte) (int, error)
},
) error {
	var ask, m pb.BackupMessage
	if err := wire.ReadFrame(bufio.NewReader(conn), wire.MaxControlFrame, &ask); err != nil {
		return err
	}
	from, err := liar.Dial(context.Background(), honest.ID(), wire.BackupService)
	if err != nil {
		return err
	}
	defer from.Close()
	if err := wire.WriteFrame(from, wire.MaxControlFrame, &ask); err != nil {
		return err
	}
	in := bufio.NewReader(from)
	for i := 0; i < 4; i++ {
		if err := wire.ReadFrame(in, wire.MaxDataFrame, &m); err != nil {
			return err
		}
		if i == 3 {
			m.GetSlice().GetBao()[5000] ^= 1
		}
		if err := wire.WriteFrame(conn, wire.MaxDataFrame, &m); err != nil {
			return err
		}
	}
	return nil
}
