package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/record"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/upgrader"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	identifypb "github.com/libp2p/go-libp2p/p2p/protocol/identify/pb"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"
	mss "github.com/multiformats/go-multistream"
	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// member is one peer of a crowd: a key, a connection over TCP, Noise and yamux, and
// a stream to the directory. It is far less than a libp2p host, so that one process
// can be ten thousand; the server cannot tell, for it answers identify as a host does.
type member struct {
	name  string
	key   crypto.PrivKey
	id    peer.ID
	addrs []ma.Multiaddr // that it says it listens on
	conn  transport.CapableConn
	speaker
	claimed  int  // names
	detached bool // it registers as one that does not stay
}

// newMember makes a peer whose key follows from its name.
func newMember(name string) (*member, error) {
	seed := sha256.Sum256([]byte(name))
	key, _, err := crypto.GenerateEd25519Key(bytes.NewReader(seed[:]))
	if err != nil {
		return nil, err
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return nil, err
	}
	// What a peer at home tells: TCP and QUIC, in IPv4 and IPv6.
	var addrs []ma.Multiaddr
	for _, format := range []string{"/ip4/10.%d.%d.%d/tcp/4001", "/ip4/10.%d.%d.%d/udp/4001/quic-v1", "/ip6/fc00::%x:%x:%x/tcp/4001", "/ip6/fc00::%x:%x:%x/udp/4001/quic-v1"} {
		a, err := ma.NewMultiaddr(fmt.Sprintf(format, seed[0], seed[1], seed[2]))
		if err != nil {
			return nil, err
		}
		addrs = append(addrs, a)
	}
	return &member{name: name, key: key, id: id, addrs: addrs}, nil
}

// connect opens the connection and the stream.
func (m *member) connect(ctx context.Context, server peer.AddrInfo, kind string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	muxers := []upgrader.StreamMuxer{{ID: yamux.ID, Muxer: yamux.DefaultTransport}}
	security, err := noise.New(noise.ID, m.key, muxers)
	if err != nil {
		return err
	}
	none := &network.NullResourceManager{}
	up, err := upgrader.New([]sec.SecureTransport{security}, muxers, nil, none, nil)
	if err != nil {
		return err
	}
	dialler, err := tcp.NewTCPTransport(up, none, nil, tcp.DisableReuseport())
	if err != nil {
		return err
	}
	if m.conn, err = dialler.Dial(ctx, server.Addrs[0], server.ID); err != nil {
		return fmt.Errorf("connect %s: %w", m.name, err)
	}
	go m.acceptAll()
	if m.speaker, err = m.open(ctx, kind); err != nil {
		return fmt.Errorf("open a stream of %s: %w", m.name, err)
	}
	return nil
}

// open opens one more stream to the directory.
func (m *member) open(ctx context.Context, kind string) (speaker, error) {
	stream, err := m.conn.OpenStream(ctx)
	if err != nil {
		return nil, err
	}
	speaks := spoken(kind)
	if err := stream.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if err := mss.SelectProtoOrFail(speaks.protocol, stream); err != nil {
		return nil, err
	}
	return speaks.by(m, newTalk(stream)), nil
}

// acceptAll answers the streams that the server opens, until the connection ends.
func (m *member) acceptAll() {
	mux := mss.NewMultistreamMuxer[protocol.ID]()
	mux.AddHandler(identify.ID, nil)
	for {
		stream, err := m.conn.AcceptStream()
		if err != nil {
			return
		}
		go func() {
			defer stream.Close()
			if stream.SetDeadline(time.Now().Add(patience)) != nil {
				return
			}
			if _, _, err := mux.Negotiate(stream); err == nil {
				if about, err := m.about(); err == nil {
					_ = wire.WriteFrame(stream, maxAbout, about)
				}
			}
		}()
	}
}

// maxAbout bounds what identify takes.
const maxAbout = 8 << 10

// about is what a host of Grapevine says of itself.
func (m *member) about() (proto.Message, error) {
	public, err := crypto.MarshalPublicKey(m.key.GetPublic())
	if err != nil {
		return nil, err
	}
	envelope, err := m.peerRecord()
	if err != nil {
		return nil, err
	}
	about := &identifypb.Identify{
		ProtocolVersion: proto.String("ipfs/0.1.0"), AgentVersion: proto.String("grapevine/0.1.0"),
		PublicKey: public, ObservedAddr: m.conn.RemoteMultiaddr().Bytes(), SignedPeerRecord: envelope,
		Protocols: []string{"/ipfs/ping/1.0.0", identify.ID, wire.Overlay, wire.Service, "/floodsub/1.0.0", "/meshsub/1.0.0", "/meshsub/1.1.0", "/meshsub/1.2.0"},
	}
	for _, a := range m.addrs {
		about.ListenAddrs = append(about.ListenAddrs, a.Bytes())
	}
	return about, nil
}

// peerRecord is the peer's addresses, signed by it.
func (m *member) peerRecord() ([]byte, error) {
	signed, err := record.Seal(&peer.PeerRecord{PeerID: m.id, Addrs: m.addrs, Seq: uint64(time.Now().UnixNano())}, m.key)
	if err != nil {
		return nil, err
	}
	return signed.Marshal()
}

// leave closes the connection; the server hears of it.
func (m *member) leave() error {
	if m.conn == nil {
		return nil
	}
	return m.conn.Close()
}
