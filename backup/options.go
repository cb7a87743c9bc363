package backup

import (
	"fmt"
	"log/slog"

	"github.com/grapevine-p2p/grapevine/internal/durable"
)

// Option changes what [New] makes.
type Option func(*config) error

type config struct {
	key   Key
	quota int64
	log   *slog.Logger
	fsys  durable.FS
	times times
}

func defaultConfig() config {
	return config{log: slog.New(slog.DiscardHandler), fsys: durable.OS{}, times: defaultTimes()}
}

// WithKey uses an owner's key instead of the one in the folder, and leaves that one
// alone.
func WithKey(k Key) Option {
	return func(c *config) error {
		if k.isZero() {
			return fmt.Errorf("%w: it is empty", ErrBadKey)
		}
		c.key = k
		return nil
	}
}

// WithQuota makes the node a holder: it keeps blobs for others, up to that many bytes
// in all. Without it the node keeps nothing for anybody.
func WithQuota(bytes int64) Option {
	return func(c *config) error {
		if bytes <= 0 {
			return fmt.Errorf("quota of %d bytes: want more than 0", bytes)
		}
		c.quota = bytes
		return nil
	}
}

// WithLogger sends the service's log there; the default is nowhere.
func WithLogger(log *slog.Logger) Option {
	return func(c *config) error { c.log = log; return nil }
}
