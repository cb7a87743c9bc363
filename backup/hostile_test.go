package backup_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/backup"
	"github.com/grapevine-p2p/grapevine/internal/durable"
	"github.com/grapevine-p2p/grapevine/internal/durable/durabletest"
	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// dialHolder opens a conn to the service of node 1.
func (c *cluster) dialHolder() net.Conn {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := c.Nodes[0].Dial(ctx, c.Nodes[1].ID(), wire.BackupService)
	must(c.t, err)
	must(c.t, conn.SetDeadline(time.Now().Add(patience)))
	return conn
}

func store(o *pb.Order, chain ...*pb.ChainPeer) *pb.BackupMessage {
	return &pb.BackupMessage{Body: &pb.BackupMessage_Store{Store: &pb.Store{Order: o, Chain: chain}}}
}

func data(n int) *pb.BackupMessage {
	return &pb.BackupMessage{Body: &pb.BackupMessage_Data{Data: &pb.Data{Bytes: make([]byte, n)}}}
}

// Every hostile request is refused or its conn closed, nothing is kept of it, and the
// holder serves on.
func TestHostileRequests(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, nil)
	key, network := backup.NewKey(), c.Nodes[0].Network()
	sound, err := backup.NewOrder(key, network, backup.BlobID{1}, 1000)
	must(t, err)
	forged := &pb.Order{Body: slices.Clone(sound.GetBody()), Signature: slices.Clone(sound.GetSignature())}
	forged.Signature[0] ^= 1
	elsewhere, err := backup.NewOrder(key, "elsewhere", backup.BlobID{1}, 1000)
	must(t, err)
	large, err := backup.NewOrder(key, network, backup.BlobID{2}, quota+1)
	must(t, err)
	self := &pb.ChainPeer{Peer: []byte(c.Nodes[1].ID())}
	other := &pb.ChainPeer{Peer: []byte(c.Nodes[2].ID())}
	message := func(m *pb.BackupMessage) []byte {
		out, err := proto.Marshal(m)
		must(t, err)
		return append(binary.AppendUvarint(nil, uint64(len(out))), out...)
	}
	for name, send := range map[string]struct {
		bytes []byte
		want  pb.BackupRefusalCode // of the first frame; -1: Ready, and then a failure or the end
	}{
		"garbage":          {[]byte("\x05\xff\xff\xff\xff\xff"), pb.BackupRefusalCode_BACKUP_MALFORMED},
		"oversized":        {binary.AppendUvarint(nil, 1<<40), pb.BackupRefusalCode_BACKUP_MALFORMED},
		"no length":        {slices.Repeat([]byte{0xff}, 20), pb.BackupRefusalCode_BACKUP_MALFORMED},
		"nothing":          {[]byte{0}, pb.BackupRefusalCode_BACKUP_MALFORMED},
		"no order":         {message(store(nil)), pb.BackupRefusalCode_BACKUP_MALFORMED},
		"forged order":     {message(store(forged)), pb.BackupRefusalCode_BACKUP_MALFORMED},
		"other network":    {message(store(elsewhere)), pb.BackupRefusalCode_BACKUP_MALFORMED},
		"over the quota":   {message(store(large)), pb.BackupRefusalCode_BACKUP_QUOTA},
		"itself in chain":  {message(store(sound, self)), pb.BackupRefusalCode_BACKUP_MALFORMED},
		"twice in chain":   {message(store(sound, other, other)), pb.BackupRefusalCode_BACKUP_MALFORMED},
		"no peer in chain": {message(store(sound, &pb.ChainPeer{Peer: []byte("x")})), pb.BackupRefusalCode_BACKUP_MALFORMED},
		"long chain":       {message(store(sound, slices.Repeat([]*pb.ChainPeer{other}, 100)...)), pb.BackupRefusalCode_BACKUP_MALFORMED},
		"data at once":     {message(data(10)), pb.BackupRefusalCode_BACKUP_MALFORMED},
		"too much data":    {append(message(store(sound)), message(data(1001))...), -1},
		"empty data":       {append(message(store(sound)), message(data(0))...), -1},
		"wrong data":       {append(message(store(sound)), message(data(1000))...), -1},
		"too little data":  {append(message(store(sound)), message(data(999))...), -1},
		"unknown blob": {
			message(&pb.BackupMessage{Body: &pb.BackupMessage_Fetch{Fetch: &pb.Fetch{Id: make([]byte, 32)}}}),
			pb.BackupRefusalCode_BACKUP_NOT_FOUND,
		},
		"short ID": {
			message(&pb.BackupMessage{Body: &pb.BackupMessage_Fetch{Fetch: &pb.Fetch{Id: make([]byte, 3)}}}),
			pb.BackupRefusalCode_BACKUP_MALFORMED,
		},
		"short owner": {
			message(&pb.BackupMessage{Body: &pb.BackupMessage_List{List: &pb.ListBlobs{Owner: make([]byte, 3)}}}),
			pb.BackupRefusalCode_BACKUP_MALFORMED,
		},
	} {
		t.Run(name, func(t *testing.T) {
			conn := c.dialHolder()
			defer conn.Close()
			_, err := conn.Write(send.bytes)
			must(t, err)
			must(t, conn.(interface{ CloseWrite() error }).CloseWrite())
			in := bufio.NewReader(conn)
			var first, m pb.BackupMessage
			must(t, wire.ReadFrame(in, wire.MaxControlFrame, &first))
			if send.want >= 0 {
				if first.GetRefusal() == nil || first.GetRefusal().GetCode() != send.want {
					t.Errorf("answered %v, want %v", &first, send.want)
				}
				return
			}
			if first.GetReady() == nil {
				t.Errorf("answered %v", &first)
			}
			for {
				err := wire.ReadFrame(in, wire.MaxControlFrame, &m)
				if err != nil {
					break
				}
				if m.GetOutcome().GetReceipt() != nil {
					t.Error("a receipt was given")
				}
			}
		})
	}
	eventually(t, "nothing is held or promised", func() bool { return c.holders[0].Usage() == backup.Usage{Quota: quota} })
	name := filepath.Join(t.TempDir(), "file")
	writeFile(t, name, 1000, 1)
	c.put(name, 2)
	if files, err := filepath.Glob(filepath.Join(c.folders[0], "blobs", "*", ".*")); err != nil || len(files) > 0 {
		t.Errorf("left behind: %v", files)
	}
}

// Space is refused before a byte of data: the client never sends one.
func TestQuotaRefusedBeforeData(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, nil)
	o, err := backup.NewOrder(backup.NewKey(), c.Nodes[0].Network(), backup.BlobID{9}, quota)
	must(t, err)
	conn := c.dialHolder()
	defer conn.Close()
	must(t, wire.WriteFrame(conn, wire.MaxControlFrame, store(o)))
	var m pb.BackupMessage
	in := bufio.NewReader(conn)
	must(t, wire.ReadFrame(in, wire.MaxControlFrame, &m))
	if m.GetRefusal().GetCode() != pb.BackupRefusalCode_BACKUP_QUOTA {
		t.Errorf("answered %v", &m)
	}
	if err := wire.ReadFrame(in, wire.MaxControlFrame, &m); !errors.Is(err, io.EOF) {
		t.Errorf("after the refusal: %v", err)
	}

	// And by the whole: nobody has room, nothing leaves.
	small := newCluster(t, 2, func(int) []backup.Option { return []backup.Option{backup.WithQuota(50_000)} })
	name := filepath.Join(t.TempDir(), "file")
	writeFile(t, name, 100_000, 1)
	r, err := small.owner.Put(t.Context(), name, backup.PutOptions{Replicas: 2})
	if !errors.Is(err, backup.ErrTooFewHolders) || r.Sent != 0 {
		t.Errorf("%d bytes sent: %v", r.Sent, err)
	}
}

// A holder that offers space and then refuses costs a copy, whether the owner asks it
// or another holder in front of it.
func TestRefusalInChain(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, func(holder int) []backup.Option {
		if holder == 0 {
			return nil
		}
		return []backup.Option{backup.WithFS(durabletest.Wrap(durable.OS{}, func(op durabletest.Op) error {
			if op.Kind == "Create" && filepath.Base(filepath.Dir(filepath.Dir(op.Name))) == "blobs" {
				return errors.New("injected")
			}
			return nil
		}))}
	})
	name := filepath.Join(t.TempDir(), "file")
	writeFile(t, name, 100_000, 1)
	r, err := c.owner.Put(t.Context(), name, backup.PutOptions{Replicas: 3})
	if !errors.Is(err, backup.ErrTooFewHolders) || len(r.Holders) != 1 || r.Holders[0] != c.Nodes[1].ID() {
		t.Errorf("stored on %v: %v", r.Holders, err)
	}
}

// A holder that goes away at any moment of a transfer comes back with whole blobs only.
func TestRestartKeepsWholeBlobsOnly(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, nil)
	name := filepath.Join(t.TempDir(), "kept")
	writeFile(t, name, 100_000, 1)
	kept := c.put(name, 1)

	// Half a blob is on its way when the holder goes.
	o, err := backup.NewOrder(c.owner.Key(), c.Nodes[0].Network(), backup.BlobID{5}, 1<<20)
	must(t, err)
	conn := c.dialHolder()
	defer conn.Close()
	must(t, wire.WriteFrame(conn, wire.MaxControlFrame, store(o)))
	must(t, wire.WriteFrame(conn, wire.MaxDataFrame, data(1<<19)))
	eventually(t, "half a blob is on the disk", func() bool {
		files, _ := filepath.Glob(filepath.Join(c.folders[0], "blobs", "05", ".tmp-*"))
		return len(files) == 1
	})
	// As after kill -9: a copy of the folder as it is at this moment.
	crashed := t.TempDir()
	must(t, os.CopyFS(crashed, os.DirFS(c.folders[0])))
	must(t, os.Chmod(filepath.Join(crashed, "key"), 0o600))
	must(t, c.holders[0].Close())

	again := newService(t, c.Nodes[1], crashed, backup.WithQuota(quota))
	if u := again.Usage(); u.Blobs != 1 {
		t.Errorf("after the restart: %+v", u)
	}
	if files, err := filepath.Glob(filepath.Join(crashed, "blobs", "*", ".tmp-*")); err != nil || len(files) > 0 {
		t.Errorf("not swept: %v", files)
	}
	if _, err := c.owner.Get(t.Context(), kept.ID, t.TempDir(), backup.GetOptions{}); err != nil {
		t.Error(err)
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, nil)
	must(t, c.owner.Close())
	must(t, c.owner.Close())
	if _, err := c.owner.List(t.Context()); !errors.Is(err, backup.ErrClosed) {
		t.Errorf("List: %v", err)
	}
	if _, err := c.owner.Put(t.Context(), t.TempDir(), backup.PutOptions{}); !errors.Is(err, backup.ErrClosed) {
		t.Errorf("Put: %v", err)
	}
	if _, err := c.owner.Put(t.Context(), t.TempDir(), backup.PutOptions{Replicas: 11}); err == nil {
		t.Error("eleven replicas")
	}
}
