package backup_test

import (
	"crypto/rand"
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	"github.com/multiformats/go-multiaddr"

	"github.com/grapevine-p2p/grapevine/backup"
)

// A signed record makes nobody dial into his own network.
func TestLearnsPublicAddressesOnly(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, nil)
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	must(t, err)
	id, err := peer.IDFromPrivateKey(key)
	must(t, err)
	public := multiaddr.StringCast("/ip4/8.8.8.8/tcp/4001")
	envelope, err := record.Seal(peer.PeerRecordFromAddrInfo(peer.AddrInfo{ID: id, Addrs: []multiaddr.Multiaddr{
		multiaddr.StringCast("/ip4/127.0.0.1/tcp/22"), multiaddr.StringCast("/ip4/169.254.169.254/tcp/80"), public,
	}}), key)
	must(t, err)
	sealed, err := envelope.Marshal()
	must(t, err)
	must(t, backup.Learn(c.holders[0], id, sealed, c.Nodes[0].ID()))
	got := c.Nodes[1].Host().Peerstore().Addrs(id)
	if !slices.EqualFunc(got, []multiaddr.Multiaddr{public}, multiaddr.Multiaddr.Equal) {
		t.Errorf("learnt %v", got)
	}
}
