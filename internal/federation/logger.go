package federation

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// silent is a logger that says nothing.
func silent() hclog.InterceptLogger {
	return hclog.NewInterceptLogger(&hclog.LoggerOptions{Name: "raft", Output: io.Discard, Level: hclog.Off})
}

// sink passes raft's words on, each a level lower: what raft calls an error is a
// warning where servers come and go. What raft says again and again counts once.
type sink struct {
	log *slog.Logger

	mu   sync.Mutex
	said map[string]time.Time // when a message came last; raft has some two hundred
}

var _ hclog.SinkAdapter = (*sink)(nil)

func raftLogger(log *slog.Logger) hclog.Logger {
	logger := silent()
	logger.RegisterSink(&sink{log: log, said: make(map[string]time.Time)})
	return logger
}

// Accept implements [hclog.SinkAdapter].
func (s *sink) Accept(_ string, level hclog.Level, message string, args ...any) {
	to := slog.LevelDebug - 4
	switch {
	case ofOthers(message):
	case level == hclog.Error && s.news(message):
		to = slog.LevelWarn
	case level == hclog.Warn && s.news(message):
		to = slog.LevelInfo
	case level == hclog.Info:
		to = slog.LevelDebug
	}
	s.log.Log(context.Background(), to, "raft: "+message, args...)
}

// news tells whether a message has not come for a while.
func (s *sink) news(message string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	last, known := s.said[message]
	s.said[message] = time.Now()
	return !known || time.Since(last) > raftQuiet
}

// ofOthers tells whether raft says that another server does not answer or has hung
// up, as it does several times a second while that lasts. [Federation.tell] says it
// once.
func ofOthers(message string) bool {
	switch message {
	case "failed to heartbeat to", "failed to appendEntries to", "failed to contact", "failed to make requestVote RPC",
		"failed to send snapshot to", "failed to decode incoming command", "failed to flush response",
		"Election timeout reached, restarting election":
		return true
	}
	return false
}
