package federation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/grapevine-p2p/grapevine/internal/names"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// Config is what a [Federation] is made of.
type Config struct {
	// Key is the server's key: it signs that it is a member.
	Key crypto.PrivKey
	// Addrs returns the addresses, without /p2p, at which others reach the server.
	Addrs func() []ma.Multiaddr
	// Name is the network name: servers of different networks never speak.
	Name string
	// Network connects the servers. It stays the caller's.
	Network Network
	// Stores is what the server keeps. Close of the federation closes it.
	Stores *Stores
	// Fellows are servers of the federation that a server with an empty store asks
	// to be admitted to. A server with an empty store and no fellows founds one.
	Fellows []peer.AddrInfo
	// Term and Reserve are those of renewals, and of claims that have none:
	// [names.DefaultTerm] and [names.DefaultReserve] by default. A reservation
	// below zero means none.
	Term, Reserve time.Duration
	// Timing is the default one where it is zero.
	Timing Timing
	// Changed, if not nil, is told of each change of who holds a name, in the order
	// of the log. After a snapshot was taken over from another server it is called
	// with nil: everything may have changed, [Federation.Owner] tells. It must
	// be quick, and not call the federation.
	Changed func([]names.Change)
	// Logger is slog.Default by default.
	Logger *slog.Logger
}

// Network opens and accepts conns between servers. Each conn's RemoteAddr is a
// [streamconn.Addr] with the proved peer ID of the other side. [OverHost] is one.
type Network interface {
	Dial(ctx context.Context, to peer.AddrInfo, protocol string) (net.Conn, error)
	Listen(protocol string) (net.Listener, error)
}

// Timing is how patient a federation is. The zero value of a field is its default.
type Timing struct {
	// Heartbeat is how long a follower waits to hear of its leader before it stands
	// for election, and Election how long a candidate waits: 1 s.
	Heartbeat, Election time.Duration
	// LeaderLease is how long a leader goes on without hearing from a majority:
	// 500 ms.
	LeaderLease time.Duration
	// Request bounds a claim, renewal or removal, those without a majority
	// included: 4 s, so that a client of a bootstrap server, which waits for 5, is
	// told why.
	Request time.Duration
	// Change bounds adding or removing a server: 2 min, for it first gets all there
	// is.
	Change time.Duration
	// Knock is how often a server that is not a member asks to be admitted: 2 s.
	Knock time.Duration
	// Tick is how often the leader lets time pass in the log where nothing else
	// happens: 10 min.
	Tick time.Duration
}

// withDefaults fills in what is zero, and checks the rest.
func (c Config) withDefaults() (Config, error) {
	switch {
	case c.Key == nil || c.Network == nil || c.Stores == nil || c.Addrs == nil:
		return c, errors.New("a federation needs a key, addresses, a network and stores")
	case c.Name == "" || len(c.Name) > wire.MaxNetworkName:
		return c, fmt.Errorf("network name of %d bytes", len(c.Name))
	}
	setDefault(&c.Term, names.DefaultTerm)
	setDefault(&c.Reserve, names.DefaultReserve)
	c.Reserve = max(c.Reserve, 0)
	setDefault(&c.Timing.Heartbeat, time.Second)
	setDefault(&c.Timing.Election, c.Timing.Heartbeat)
	setDefault(&c.Timing.LeaderLease, c.Timing.Heartbeat/2)
	setDefault(&c.Timing.Request, 4*time.Second)
	setDefault(&c.Timing.Change, 2*time.Minute)
	setDefault(&c.Timing.Knock, 2*time.Second)
	setDefault(&c.Timing.Tick, 10*time.Minute)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c, nil
}

func setDefault(field *time.Duration, value time.Duration) {
	if *field == 0 {
		*field = value
	}
}
