package chat

import (
	"context"
	"fmt"
	"log/slog"
	"unicode/utf8"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/display"
	"github.com/grapevine-p2p/grapevine/internal/durable"
)

// Resolver finds a peer by name. *bootstrap.Client is one.
type Resolver interface {
	Resolve(ctx context.Context, name string) (peer.AddrInfo, error)
}

// Request is a conversation that a peer wants to open with us.
type Request struct {
	Peer     peer.ID
	Name     string // what it calls itself, sanitised; a hint
	Standing Standing
}

// Option changes what [New] makes.
type Option func(*Service) error

// WithName says what we call ourselves: others see it as a hint, and find us by it
// through the node's announcements and by query. At most MaxName characters.
func WithName(name string) Option {
	return func(s *Service) error {
		if err := checkName(name); err != nil {
			return err
		}
		s.name = name
		return nil
	}
}

// WithoutAnnouncement keeps the name out of the node's announcements: only who knows it
// finds us, by a directory or by query.
func WithoutAnnouncement() Option {
	return func(s *Service) error { s.unannounced = true; return nil }
}

// WithResolver makes Open ask r for names first.
func WithResolver(r Resolver) Option {
	return func(s *Service) error { s.resolver = r; return nil }
}

// WithAccept asks accept whether to take a conversation that another peer opens,
// unless there is one with it already. An error refuses it, and its text is what the
// other person is told. It may be called concurrently and should answer at once.
// Without it everybody is welcome.
func WithAccept(accept func(Request) error) Option {
	return func(s *Service) error { s.accept = accept; return nil }
}

// WithLogger sends the service's log there; the default is nowhere.
func WithLogger(log *slog.Logger) Option {
	return func(s *Service) error { s.log = log; return nil }
}

// withFS is for tests that inject errors.
func withFS(fsys durable.FS) Option {
	return func(s *Service) error { s.fsys = fsys; return nil }
}

// withTiming is for tests that cannot wait.
func withTiming(t timing) Option {
	return func(s *Service) error { s.timing = t; return nil }
}

func checkName(name string) error {
	if name == "" || !nameFits(name) || display.Line(name) != name {
		return fmt.Errorf("%w: %q: want 1 to %d characters that can be shown", ErrBadName, name[:min(len(name), maxNameBytes)], MaxName)
	}
	return nil
}

func nameFits(name string) bool {
	return len(name) <= maxNameBytes && utf8.RuneCountInString(name) <= MaxName
}
