package federation

import (
	"context"
	"io"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// silent is a logger that says nothing.
func silent() hclog.InterceptLogger {
	return hclog.NewInterceptLogger(&hclog.LoggerOptions{Name: "raft", Output: io.Discard, Level: hclog.Off})
}

// sink passes raft's words on, each a level lower: what raft calls an error, a
// server that does not answer, is a warning where servers come and go.
type sink struct{ log *slog.Logger }

var _ hclog.SinkAdapter = (*sink)(nil)

func raftLogger(log *slog.Logger) hclog.Logger {
	logger := silent()
	logger.RegisterSink(&sink{log})
	return logger
}

func (s *sink) Accept(_ string, level hclog.Level, message string, args ...any) {
	to := slog.LevelDebug - 4
	switch level {
	case hclog.Error:
		to = slog.LevelWarn
	case hclog.Warn:
		to = slog.LevelInfo
	case hclog.Info:
		to = slog.LevelDebug
	}
	s.log.Log(context.Background(), to, "raft: "+message, args...)
}
