package federation

import (
	"context"

	"github.com/grapevine-p2p/grapevine/internal/names"
)

// Claim asks for a name. When it returns nil the name is the owner's on a majority's
// disks. Fields that are zero (limits, term, reservation) get defaults. Fresh tells
// that nobody held the name before; after a leader was lost it may be false though.
func (f *Federation) Claim(ctx context.Context, c names.Claim) (fresh bool, err error) {
	if err := f.enter(); err != nil {
		return false, err
	}
	defer f.wg.Done()
	if c.MaxPerOwner == 0 {
		c.MaxPerOwner = names.DefaultMaxPerOwner
	}
	if c.MaxNames == 0 {
		c.MaxNames = names.DefaultMaxNames
	}
	if c.Term == 0 {
		c.Term, c.Reserve = f.cfg.Term, f.cfg.Reserve
	}
	if err := c.Check(); err != nil {
		return false, err
	}
	outcome, _, err := f.propose(ctx, c)
	if err != nil {
		return false, err
	}
	return outcome.Fresh, outcome.Err()
}

// Renew begins the terms of names anew, and returns those that their owners do not
// hold. There may be any number; if it fails some may be renewed.
func (f *Federation) Renew(ctx context.Context, renewals []names.Renewal) (lost []names.Renewal, err error) {
	if err := f.enter(); err != nil {
		return nil, err
	}
	defer f.wg.Done()
	for len(renewals) > 0 {
		batch := renewals[:min(len(renewals), names.MaxRenewals)]
		renewals = renewals[len(batch):]
		command := names.Renew{Term: f.cfg.Term, Reserve: f.cfg.Reserve, Renewals: batch}
		if err := command.Check(); err != nil {
			return lost, err
		}
		outcome, _, err := f.propose(ctx, command)
		if err == nil {
			err = outcome.Err()
		}
		if err != nil {
			return lost, err
		}
		for _, i := range outcome.Lost {
			if i < len(batch) {
				lost = append(lost, batch[i])
			}
		}
	}
	return lost, nil
}

// Remove gives a name up. The same removal again does no harm.
func (f *Federation) Remove(ctx context.Context, r names.Removal) error {
	if err := f.enter(); err != nil {
		return err
	}
	defer f.wg.Done()
	if err := r.Check(); err != nil {
		return err
	}
	outcome, again, err := f.propose(ctx, r)
	if err != nil {
		return err
	}
	if again && (outcome.Kind == names.NotOwner || outcome.Kind == names.NotRegistered) {
		return nil // it was removed by the attempt before
	}
	return outcome.Err()
}

// Owner tells who holds a name as far as this server knows; it may be behind.
func (f *Federation) Owner(key string) (names.Holding, bool) { return f.machine.owner(key) }
