package backup

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
	"github.com/grapevine-p2p/grapevine/p2p"
)

// goldenMessages has one of each message of backup.proto.
func goldenMessages() map[string]proto.Message {
	id := []byte(strings.Repeat("i", 32))
	order := &pb.Order{Body: []byte("body"), Signature: []byte("signature")}
	receipt := &pb.Receipt{Body: []byte("body"), Signature: []byte("signature")}
	refusal := &pb.BackupRefusal{Code: pb.BackupRefusalCode_BACKUP_DAMAGED, Reason: "why"}
	return map[string]proto.Message{
		"store": &pb.BackupMessage{Body: &pb.BackupMessage_Store{Store: &pb.Store{
			Order: order, Chain: []*pb.ChainPeer{{Peer: []byte("peer"), Record: []byte("record")}},
		}}},
		"ready":   &pb.BackupMessage{Body: &pb.BackupMessage_Ready{Ready: &pb.Ready{Have: true}}},
		"data":    &pb.BackupMessage{Body: &pb.BackupMessage_Data{Data: &pb.Data{Bytes: []byte("bytes")}}},
		"receipt": &pb.BackupMessage{Body: &pb.BackupMessage_Outcome{Outcome: &pb.Outcome{Peer: []byte("peer"), Receipt: receipt}}},
		"failure": &pb.BackupMessage{Body: &pb.BackupMessage_Outcome{Outcome: &pb.Outcome{Peer: []byte("peer"), Failure: refusal}}},
		"fetch":   &pb.BackupMessage{Body: &pb.BackupMessage_Fetch{Fetch: &pb.Fetch{Id: id, Offset: 16384}}},
		"blob":    &pb.BackupMessage{Body: &pb.BackupMessage_Blob{Blob: &pb.Blob{Order: order}}},
		"slice":   &pb.BackupMessage{Body: &pb.BackupMessage_Slice{Slice: &pb.Slice{Length: 5, Bao: []byte("slice")}}},
		"list":    &pb.BackupMessage{Body: &pb.BackupMessage_List{List: &pb.ListBlobs{Owner: id}}},
		"holding": &pb.BackupMessage{Body: &pb.BackupMessage_Holding{Holding: &pb.Holding{Order: order}}},
		"end":     endMessage(),
		"refusal": &pb.BackupMessage{Body: &pb.BackupMessage_Refusal{Refusal: refusal}},
		"order-body": &pb.OrderBody{
			Network: "n", Id: id, Size: 7, Owner: id, Label: []byte("label"), Made: 1_800_000_000,
		},
		"receipt-body": &pb.ReceiptBody{Network: "n", Id: id, Size: 7, Holder: []byte("peer"), Stored: 1_800_000_000},
		"label":        &pb.Label{Name: "name", Size: 1, Files: 2, Folders: 3, Links: 4, Replicas: 5},
		"offer":        &pb.Offer{Quota: 1, Held: 2, Active: 3, Record: []byte("record")},
	}
}

// The bytes on the wire do not change. Set UPDATE_GOLDEN to write new ones.
func TestGoldenBytes(t *testing.T) {
	for name, m := range goldenMessages() {
		encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", "golden", name+".hex")
		if os.Getenv("UPDATE_GOLDEN") != "" {
			if err := os.WriteFile(file, []byte(hex.EncodeToString(encoded)+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(encoded); got != strings.TrimSpace(string(want)) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		raw, err := hex.DecodeString(strings.TrimSpace(string(want)))
		if err != nil {
			t.Fatal(err)
		}
		back := m.ProtoReflect().New().Interface()
		if err := proto.Unmarshal(raw, back); err != nil || !proto.Equal(back, m) {
			t.Errorf("%s: read back as %v, %v", name, back, err)
		}
	}
}

// FuzzDecode: whatever comes, each check of what is read returns, and what it accepts is
// within the limits.
func FuzzDecode(f *testing.F) {
	k := Key{[keyLen]byte{7}}
	label, err := sealLabel(k, BlobID{1}, Contents{Name: "n"})
	if err != nil {
		f.Fatal(err)
	}
	sound, err := newOrder(k, testNetwork, BlobID{1}, 10, label, time.Unix(1_800_000_000, 0))
	if err != nil {
		f.Fatal(err)
	}
	for _, m := range append([]proto.Message{sound.signed}, values(goldenMessages())...) {
		encoded, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m pb.BackupMessage
		if proto.Unmarshal(data, &m) == nil {
			for _, o := range []*pb.Order{m.GetStore().GetOrder(), m.GetBlob().GetOrder(), m.GetHolding().GetOrder()} {
				_, _ = checkOrder(testNetwork, o)
			}
			if r := m.GetOutcome().GetReceipt(); r != nil {
				if checkReceipt(peer.ID(m.GetOutcome().GetPeer()), testNetwork, sound, r) == nil {
					t.Error("a receipt was forged")
				}
			}
			if m.GetRefusal() != nil && len(refusalError(m.GetRefusal()).Error()) > 1024 {
				t.Error("a refusal is too long")
			}
			if s := m.GetSlice(); s != nil {
				if _, err := checkSlice(sound.id, 10, s.GetBao(), 0, int64(s.GetLength())); err == nil {
					t.Error("a slice was forged")
				}
			}
		}
		var signed pb.Order
		if proto.Unmarshal(data, &signed) == nil {
			if o, err := checkOrder(testNetwork, &signed); err == nil && (o.size <= 0 || o.size > MaxBlob || len(o.label) > maxLabel) {
				t.Errorf("accepted %+v", o)
			}
		}
		if c, err := candidateOf(p2p.Hit{Item: p2p.Item{Data: data}}); err == nil && (c.Quota <= 0 || c.free() < 0 || c.Active < 0) {
			t.Errorf("accepted %+v", c)
		}
		if _, err := openLabel(k, BlobID{2}, data); err == nil {
			t.Error("a label was forged")
		}
		_, _ = ParseKey(string(data))
		_, _ = ParseID(string(data))
	})
}

// FuzzArchiveName: no name leads out of the destination.
func FuzzArchiveName(f *testing.F) {
	for _, s := range []string{"a/b", "../a", "/a", "a/../../b", "a\\b", "C:\\a", "a/./b/", "\x00", "", ".", "con"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		clean, err := archiveName(name)
		if err != nil {
			return
		}
		if !filepath.IsLocal(filepath.FromSlash(clean)) || strings.HasPrefix(clean, "/") || strings.Contains("/"+clean+"/", "/../") {
			t.Errorf("%q became %q", name, clean)
		}
	})
}

func values(m map[string]proto.Message) (out []proto.Message) {
	for _, v := range m {
		out = append(out, v)
	}
	return out
}
