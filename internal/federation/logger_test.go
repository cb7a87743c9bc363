package federation

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestRaftIsHeardOnce lets raft complain as it does while a server is away and while
// a disk is full.
func TestRaftIsHeardOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		logger := raftLogger(slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelInfo})))
		full := errors.New("disk full")
		for range 100 {
			logger.Error("failed to heartbeat to", "peer", "somebody", "error", full)
			logger.Error("failed to append to logs", "error", full)
			logger.Warn("heartbeat timeout reached, starting election")
			elapse(time.Second)
		}
		lines := func() int { return strings.Count(said.String(), "\n") }
		if lines() != 2 || !strings.Contains(said.String(), "disk full") {
			t.Errorf("raft is told of as:\n%s", &said)
		}
		elapse(2 * raftQuiet)
		logger.Error("failed to append to logs", "error", full)
		if lines() != 3 {
			t.Errorf("a fault that is back is told of as:\n%s", &said)
		}
	})
}

// TestLostServerIsToldOnce looks at what an operator reads while a server is away.
func TestLostServerIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMemNet(1)
		servers := []*server{newServer(t, 1), newServer(t, 2), newServer(t, 3)}
		var said bytes.Buffer
		config := servers[0].config(net)
		config.Logger = slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelInfo}))
		servers[0].startWith(t, config)
		for _, s := range servers[1:] {
			s.start(t, net, servers[0])
			if err := servers[0].AddServer(t.Context(), s.info()); err != nil {
				t.Fatal(err)
			}
		}
		look := func() {
			for range 10 {
				servers[0].Status(t.Context())
				elapse(time.Second)
			}
		}
		look()
		said.Reset()
		servers[2].stop(t)
		look()
		servers[2].start(t, net)
		look()
		count := func(what string) int { return strings.Count(said.String(), what) }
		if count("does not answer") != 1 || count("answers again") != 1 || count("level=WARN") != 1 {
			t.Errorf("one that was away is told of as:\n%s", &said)
		}
	})
}
