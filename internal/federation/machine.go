package federation

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/grapevine-p2p/grapevine/internal/names"
)

// machine is the names as raft's state machine.
type machine struct {
	changed func([]names.Change) // may be nil

	mu    sync.RWMutex
	state *names.State
}

var _ raft.BatchingFSM = (*machine)(nil)

// Apply applies one entry and returns its [names.Outcome].
func (m *machine) Apply(l *raft.Log) any { return m.ApplyBatch([]*raft.Log{l})[0] }

// ApplyBatch applies several.
func (m *machine) ApplyBatch(logs []*raft.Log) []any {
	results := make([]any, len(logs))
	var changes []names.Change
	m.mu.Lock()
	for i, l := range logs {
		if l.Type != raft.LogCommand {
			continue
		}
		outcome, changed := m.apply(l)
		results[i] = outcome
		changes = append(changes, changed...)
	}
	m.mu.Unlock()
	if m.changed != nil && len(changes) > 0 {
		m.changed(changes)
	}
	return results
}

func (m *machine) apply(l *raft.Log) (names.Outcome, []names.Change) {
	entry, err := names.Decode(l.Data)
	if err != nil { // the same on all servers
		return names.Outcome{Kind: names.Malformed}, nil
	}
	if entry.RaftTerm != l.Term {
		entry.Stamp = 0
	}
	return m.state.Apply(entry.Stamp, entry.Command)
}

// Snapshot copies the state.
func (m *machine) Snapshot() (raft.FSMSnapshot, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return &snapshot{m.state.Snapshot()}, nil
}

// Restore takes the state of a snapshot over.
func (m *machine) Restore(from io.ReadCloser) error {
	state, err := names.Restore(from)
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.state = state
	m.mu.Unlock()
	if m.changed != nil {
		m.changed(nil)
	}
	return nil
}

func (m *machine) owner(key string) (names.Holding, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.state.Owner(key)
}

func (m *machine) now() time.Duration {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.state.Now()
}

func (m *machine) len() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.state.Len()
}

func (m *machine) next() (time.Duration, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.state.Next()
}

type snapshot struct{ names *names.Snapshot }

// Persist writes the snapshot to raft's store.
func (s *snapshot) Persist(sink raft.SnapshotSink) error {
	if err := s.names.Write(sink); err != nil {
		_ = sink.Cancel()
		return err
	}
	if err := sink.Close(); err != nil {
		return fmt.Errorf("store snapshot of names: %w", err)
	}
	return nil
}

// Release has nothing to do.
func (s *snapshot) Release() {}
