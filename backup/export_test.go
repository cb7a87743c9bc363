package backup

import (
	"time"

	"github.com/grapevine-p2p/grapevine/internal/durable"
)

// WithFS makes a service use fsys instead of the operating system's files.
func WithFS(fsys durable.FS) Option {
	return func(c *config) error { c.fsys = fsys; return nil }
}

// WithPatience bounds each wait in a transfer.
func WithPatience(d time.Duration) Option {
	return func(c *config) error {
		c.times.frame, c.times.idle, c.times.open = d, d, d
		return nil
	}
}

// WithQueryTime bounds each query.
func WithQueryTime(d time.Duration) Option {
	return func(c *config) error { c.times.query = d; return nil }
}
