package p2p

import (
	"errors"
	"fmt"
	"log/slog"
	"unicode/utf8"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/multiformats/go-multiaddr"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// Option changes what [New] makes.
type Option func(*config) error

type config struct {
	network string
	agent   string
	folder  string
	host    host.Host
	listen  []multiaddr.Multiaddr
	log     *slog.Logger
	metrics prometheus.Registerer
	overlay overlay.Config
}

func defaultConfig() config {
	return config{
		network: wire.DefaultNetwork,
		agent:   "grapevine",
		log:     slog.New(slog.DiscardHandler),
		overlay: overlay.DefaultConfig(),
	}
}

// WithDataDir keeps the node's identity and host cache in the folder root, which
// is made if it is missing and locked while the node is open. Without it both are
// in memory and the node is somebody new each time.
func WithDataDir(root string) Option {
	return func(c *config) error { c.folder = root; return nil }
}

// WithHost uses the caller's libp2p host, which the caller closes after the node.
func WithHost(h host.Host) Option {
	return func(c *config) error {
		if h == nil {
			return errors.New("no host")
		}
		c.host = h
		return nil
	}
}

// WithNetwork names the overlay; nodes of different networks refuse each other.
// The default is "grapevine".
func WithNetwork(name string) Option {
	return func(c *config) error {
		if name == "" || len(name) > wire.MaxNetworkName || !utf8.ValidString(name) {
			return fmt.Errorf("network name %q: want 1 to %d bytes of UTF-8", name, wire.MaxNetworkName)
		}
		c.network = name
		return nil
	}
}

// WithAgent names the program, for people who look at the network.
func WithAgent(agent string) Option {
	return func(c *config) error {
		if len(agent) > wire.MaxAgent || !utf8.ValidString(agent) {
			return fmt.Errorf("agent %q: at most %d bytes of UTF-8", agent, wire.MaxAgent)
		}
		c.agent = agent
		return nil
	}
}

// WithListenAddrs sets the multiaddrs to listen on. The default is a free TCP and
// a free QUIC port on every interface.
func WithListenAddrs(addrs ...string) Option {
	return func(c *config) error {
		c.listen = nil
		for _, s := range addrs {
			a, err := multiaddr.NewMultiaddr(s)
			if err != nil {
				return fmt.Errorf("listen address %q: %w", s, err)
			}
			c.listen = append(c.listen, a)
		}
		return nil
	}
}

// WithDegree sets the number of neighbours to keep, 1 to 48; the default is 24. An
// eighth more are accepted from others, 48 in all at the most.
func WithDegree(n int) Option {
	return func(c *config) error { c.overlay.Degree = n; return nil }
}

// WithLeaf makes the node a leaf: it asks and answers, but passes nothing on for
// others, and keeps few neighbours. For a phone, or a machine behind a slow line. A node
// that others cannot reach is one by itself.
func WithLeaf() Option {
	return func(c *config) error { c.overlay.Leaf = true; return nil }
}

// WithLogger sends the node's log there; the default is nowhere.
func WithLogger(log *slog.Logger) Option {
	return func(c *config) error {
		if log == nil {
			return errors.New("no logger")
		}
		c.log = log
		return nil
	}
}

// WithMetrics registers the node's Prometheus collectors until Close, and those of
// the libp2p host that it makes, which stay. One node a registry.
func WithMetrics(r prometheus.Registerer) Option {
	return func(c *config) error { c.metrics = r; return nil }
}
