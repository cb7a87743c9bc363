package federation

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/names"
)

// Federation is one server's part in a federation. It is safe for concurrent use.
type Federation struct{ cfg Config }

// Start begins to take part, and returns when what the store holds is known. A
// server with an empty store and fellows is admitted later, when [Federation.Add]
// was called at one of them.
func Start(ctx context.Context, cfg Config) (*Federation, error) { panic("not yet") }

// Claim asks for a name. When it returns nil the name is the owner's on a majority's
// disks. Fields that are zero (limits, term, reservation) get defaults.
func (f *Federation) Claim(ctx context.Context, c names.Claim) (fresh bool, err error) {
	panic("not yet")
}

// Renew begins the terms of names anew, and returns those that their owners do not
// hold. There may be any number.
func (f *Federation) Renew(ctx context.Context, renewals []names.Renewal) (lost []names.Renewal, err error) {
	panic("not yet")
}

// Remove gives a name up.
func (f *Federation) Remove(ctx context.Context, r names.Removal) error { panic("not yet") }

// Owner tells who holds a name as far as this server knows; it may be behind.
func (f *Federation) Owner(key string) (names.Holding, bool) { panic("not yet") }

// Holdings returns all that this server knows of, in the order of their keys.
func (f *Federation) Holdings() []names.Holding { panic("not yet") }

// Now is the log time that this server knows of: a holding is left at most until it
// reaches its end.
func (f *Federation) Now() time.Duration { panic("not yet") }

// Term is what a grant or renewal that this federation proposes is worth.
func (f *Federation) Term() time.Duration { panic("not yet") }

// AddServer makes a server a member. It must be running, with this server or another
// member among its fellows; if it is a member already nothing changes.
func (f *Federation) AddServer(ctx context.Context, server peer.AddrInfo) error { panic("not yet") }

// RemoveServer ends a server's membership, this one's too; if it is none nothing
// changes.
func (f *Federation) RemoveServer(ctx context.Context, server peer.ID) error { panic("not yet") }

// Status asks the other members how they are.
func (f *Federation) Status(ctx context.Context) Status { panic("not yet") }

// Close ends the part in the federation and waits for every goroutine. The server
// stays a member.
func (f *Federation) Close() error { panic("not yet") }
