package federation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

// foundedKey marks the federation that this store's server founded.
var foundedKey = []byte("grapevine/founded")

// raftTermKey is raft's own.
var raftTermKey = []byte("CurrentTerm")

// found makes a server with an empty store and no fellows a federation of one. Cut
// short anywhere, it is completed at the next start.
func (f *Federation) found() error {
	stores := f.cfg.Stores
	last, err := stores.logs.LastIndex()
	if err != nil {
		return fmt.Errorf("read the federation's log: %w", err)
	}
	snapshots, err := stores.snaps.List()
	if err != nil {
		return fmt.Errorf("read the federation's snapshots: %w", err)
	}
	founded, err := stores.random(foundedKey)
	if err != nil {
		return err
	}
	empty := last == 0 && len(snapshots) == 0
	if !empty || len(f.cfg.Fellows) > 0 && founded == "" || f.id != "" && f.id != founded {
		return nil
	}
	if founded == "" {
		founded = newRandom()
		if err := stores.stable.Set(foundedKey, []byte(founded)); err != nil {
			return fmt.Errorf("found a federation: %w", err)
		}
	}
	f.id = founded
	self, err := f.signed(founded)
	if err != nil {
		return fmt.Errorf("found a federation: %w", err)
	}
	configuration := raft.EncodeConfiguration(raft.Configuration{
		Servers: []raft.Server{{Suffrage: raft.Voter, ID: self.id(), Address: self.address()}},
	})
	// As raft.BootstrapCluster, which would refuse to go on where it was cut short.
	err = errors.Join(
		stores.stable.Set(federationKey, []byte(founded)),
		stores.stable.SetUint64(raftTermKey, 1),
		stores.logs.StoreLog(&raft.Log{Index: 1, Term: 1, Type: raft.LogConfiguration, Data: configuration}),
	)
	if err != nil {
		return fmt.Errorf("found a federation: %w", err)
	}
	f.log.Info("the server founds a federation", "federation", founded)
	return nil
}

// alone tells whether this server is the only one that votes.
func (f *Federation) alone() bool {
	votes, others := false, false
	for _, s := range f.seats() {
		if s.is(f.self) {
			votes = s.voter
		} else {
			others = others || s.voter
		}
	}
	return votes && !others
}

// elect makes the only server lead at once: raft by itself would first wait for
// others to be heard of.
func (f *Federation) elect(ctx context.Context) error {
	for f.clock() == nil && f.alone() {
		if f.raft.State() == raft.Follower {
			request := &raft.TimeoutNowRequest{RPCHeader: raft.RPCHeader{
				ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(f.raftID), Addr: []byte(f.raftID),
			}}
			if err := f.trans.TimeoutNow(f.raftID, raft.ServerAddress(f.raftID), request, &raft.TimeoutNowResponse{}); err != nil {
				return fmt.Errorf("elect the only server: %w", err)
			}
		}
		select {
		case <-time.After(f.cfg.Timing.Heartbeat / 100):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
