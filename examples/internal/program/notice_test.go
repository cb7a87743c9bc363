package program

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/bootstrap"
)

func TestNotice(t *testing.T) {
	until := time.Now()
	taken := func(owner peer.ID) error {
		until = until.Add(10 * time.Second)
		return fmt.Errorf("register: %w", &bootstrap.NameTakenError{Name: "ana", Owner: owner, Until: until})
	}
	var n notice
	for i, step := range []struct {
		err  error
		news bool
	}{
		{nil, false},
		{taken("one"), true},
		{taken("one"), false}, // renewed meanwhile
		{taken("another"), true},
		{errors.New("full"), true},
		{errors.New("full"), false},
		{nil, true},
		{nil, false},
		{errors.New("full"), true},
	} {
		if got := n.news(step.err); got != step.news {
			t.Errorf("step %d: %v: news: %v", i, step.err, got)
		}
	}
}
