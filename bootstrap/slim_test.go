package bootstrap

import (
	"bytes"
	"slices"
	"testing"
	"time"
	"unique"

	"github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// foreignRecord is a record in which a later version says more.
type foreignRecord struct{ signedRecord }

func (r *foreignRecord) MarshalRecord() ([]byte, error) {
	data, err := r.signedRecord.MarshalRecord()
	return protowire.AppendVarint(protowire.AppendTag(data, 1000, protowire.VarintType), 1), err
}

// reordered is an envelope with its fields in another order.
func reordered(t *testing.T, sealed []byte) []byte {
	var all [][]byte
	for rest := sealed; len(rest) > 0; {
		_, _, n := protowire.ConsumeField(rest)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		all = append(all, rest[:n])
		rest = rest[n:]
	}
	slices.Reverse(all)
	return slices.Concat(all...)
}

// A slim claim hands out the very envelope that it was made of, whoever wrote it.
func TestSlimClaim(t *testing.T) {
	key, id := testKey(t, 1)
	whole := claim{network: unique.Make("net"), name: "Alice", peer: id, seq: 7}
	valid := secondOf(time.Now())
	addrs := []ma.Multiaddr{ma.StringCast("/ip4/192.0.2.1/tcp/1"), ma.StringCast("/ip6/2001:db8::1/udp/1/quic-v1")}
	foreign, err := record.Seal(&foreignRecord{signedRecord{&pb.DirectoryRecord{Network: "net", Peer: []byte(id), Name: "Alice", Seq: 7, ExpiresUnixMs: valid.time().UnixMilli()}}}, key)
	if err != nil {
		t.Fatal(err)
	}
	more, err := foreign.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	written := func(change func(*claim)) []byte {
		c := whole
		c.particulars, c.expires = &particulars{}, valid
		change(&c)
		data, err := c.seal(key)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	plain := written(func(c *claim) { c.addrs = addrs })
	for name, tt := range map[string]struct {
		sealed []byte
		gist   bool
	}{
		"with addresses":     {plain, true},
		"without":            {written(func(*claim) {}), true},
		"hidden":             {written(func(c *claim) { c.hidden = true }), true},
		"without a name":     {written(func(c *claim) { c.name = "" }), true},
		"a removal":          {written(func(c *claim) { c.removed = true }), true},
		"more in the record": {more, true},
		"in another order":   {reordered(t, plain), false},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := openClaim(tt.sealed, "net", time.Now())
			if err != nil {
				t.Fatal(err)
			}
			slim := c.slimmed()
			if !bytes.Equal(slim.envelope(), tt.sealed) || !bytes.Equal(c.envelope(), tt.sealed) {
				t.Fatal("the envelope is another")
			}
			if slim.slimmed() != slim {
				t.Fatal("a slim claim is slimmed again")
			}
			if slim.gist != tt.gist {
				t.Fatalf("kept without what the claim says: %v", slim.gist)
			}
			if tt.gist && len(slim.sealed) > len(tt.sealed)-105 {
				t.Fatalf("%d of %d bytes are kept", len(slim.sealed), len(tt.sealed))
			}
			got := slim.addresses()
			if len(got) != len(c.addrs) || slim.found != (len(got) > 0) {
				t.Fatalf("addresses %v, not %v", got, c.addrs)
			}
			for i, a := range got {
				if !a.Equal(c.addrs[i]) {
					t.Fatalf("addresses %v, not %v", got, c.addrs)
				}
			}
		})
	}
}

// What was cut out of a gist is compared too.
func TestSameClaim(t *testing.T) {
	is := claim{network: unique.Make("net"), name: "Alice", peer: "peer", seq: 7, sealed: "gist", gist: true}
	if again := is; !is.same(&again) {
		t.Error("a copy is not the same")
	}
	for what, change := range map[string]func(*claim){
		"network":    func(c *claim) { c.network = unique.Make("other") },
		"name":       func(c *claim) { c.name = "alice" },
		"peer":       func(c *claim) { c.peer = "other" },
		"number":     func(c *claim) { c.seq++ },
		"envelope":   func(c *claim) { c.sealed = "other" },
		"whole form": func(c *claim) { c.gist = false },
	} {
		other := is
		if change(&other); is.same(&other) {
			t.Errorf("the same with another %s", what)
		}
	}
}
