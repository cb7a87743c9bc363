package program

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/alecthomas/kong"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"github.com/grapevine-p2p/grapevine/internal/datadir"
)

// envPrefix begins the name of each flag in the environment: --log-level is
// GRAPEVINE_LOG_LEVEL.
const envPrefix = "GRAPEVINE"

// Shell are the flags of every program. Each can be given in the environment and in the
// configuration file too; the command line comes before the environment, and that
// before the file.
type Shell struct {
	JSON     bool             `name:"json" help:"Print one JSON object per line."`
	LogLevel string           `help:"What to log on standard error: ${enum}." enum:"debug,info,warn,error" default:"warn"`
	Verbose  bool             `short:"v" help:"Short for --log-level=info."`
	Config   kong.ConfigFlag  `help:"JSON file with any of these flags by name." placeholder:"FILE"`
	Version  kong.VersionFlag `help:"Show the version." env:"-"`

	name string // of the program
}

// Base are the flags of a program that is on the network and keeps data.
type Base struct {
	Shell
	Data    string   `help:"Folder to keep data in." placeholder:"FOLDER" type:"path"`
	Network string   `help:"Name of the network; those of another name are strangers." default:"grapevine"`
	Listen  []string `help:"Multiaddr to listen on (repeatable)." placeholder:"MULTIADDR"`
}

// Common are the flags of a program that enters a network.
type Common struct {
	Base
	Bootstrap      []string `help:"Multiaddr with /p2p/ of a bootstrap server or peer to enter through, or the http or https address of a server's page, which tells of peers only (repeatable)." placeholder:"MULTIADDR"`
	Peer           []string `help:"Multiaddr with /p2p/ of a peer to enter through without any server (repeatable)." placeholder:"MULTIADDR"`
	Hidden         bool     `help:"Appear in no list of who is online; who knows the name finds it."`
	ShowNeighbours bool     `help:"Tell the bootstrap servers who the neighbours are, for their picture of the network."`
}

func (s *Shell) shell() *Shell { return s }

func (s *Shell) check() error { return nil }

func (b *Base) check() error {
	for _, addr := range b.Listen {
		if _, err := multiaddr.NewMultiaddr(addr); err != nil {
			return fmt.Errorf("--listen: %q is not a multiaddr such as /ip4/0.0.0.0/tcp/4001 or /ip4/0.0.0.0/udp/4001/quic-v1", addr)
		}
	}
	return nil
}

func (c *Common) check() error {
	addrs, pages := splitPages(c.Bootstrap)
	if _, err := ParsePeers(addrs); err != nil {
		return fmt.Errorf("--bootstrap: %w", err)
	}
	if err := checkPages(pages); err != nil {
		return fmt.Errorf("--bootstrap: %w", err)
	}
	if _, err := ParsePeers(c.Peer); err != nil {
		return fmt.Errorf("--peer: %w", err)
	}
	return c.Base.check()
}

// ChooseData makes --data the whole path of the data folder. If none was given it is
// the user's own with a suffix, so that programs of one user run beside each other.
func (b *Base) ChooseData(suffix string) error {
	if b.Data == "" {
		folder, err := datadir.Default()
		if err != nil {
			return err
		}
		b.Data = folder + suffix
	}
	folder, err := filepath.Abs(b.Data)
	b.Data = folder
	return err
}

// maxAgent is what others read of an agent.
const maxAgent = 64

// agent is what the program says that it is.
func (s *Shell) agent() string {
	agent := "grapevine-" + s.name + "/" + version()
	return agent[:min(maxAgent, len(agent))]
}

// Logger returns a logger to standard error.
func (s *Shell) Logger() *slog.Logger {
	opts := &slog.HandlerOptions{Level: s.level()}
	if s.JSON {
		return slog.New(slog.NewJSONHandler(os.Stderr, opts))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, opts))
}

// ClientLogger returns the logger of a directory client, or nil: a server that does
// not answer is worth a word only to who asked for more, while another does.
func (s *Shell) ClientLogger() *slog.Logger {
	if s.level() > slog.LevelInfo {
		return nil
	}
	return s.Logger()
}

// libraryHandler is for the log of libp2p itself: even its errors say nothing to a
// person unless he looks for a fault.
func (s *Shell) libraryHandler() slog.Handler {
	if s.level() > slog.LevelDebug {
		return slog.DiscardHandler
	}
	return s.Logger().Handler()
}

func (s *Shell) level() slog.Level {
	var level slog.Level
	_ = level.UnmarshalText([]byte(s.LogLevel)) // kong has checked it
	if s.Verbose {
		level = min(level, slog.LevelInfo)
	}
	return level
}

// Seeds returns the peers of --bootstrap, without its pages. Main has checked them.
func (c *Common) Seeds() ([]peer.AddrInfo, error) {
	addrs, _ := splitPages(c.Bootstrap)
	return ParsePeers(addrs)
}
