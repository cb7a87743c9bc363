package feed_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/grapevine-p2p/grapevine/internal/feed"
)

var errLagged = errors.New("lagged")

// read returns what a feed yields until it ends; -1 stands for errLagged.
func read(f *feed.Feed[int], ctx context.Context, during func()) (got []int) {
	all := f.All(ctx, errLagged)
	during()
	for n, err := range all {
		if err != nil {
			n = -1
		}
		got = append(got, n)
	}
	return got
}

func TestFeed(t *testing.T) {
	for _, test := range []struct {
		name      string
		published int
		want      []int
	}{
		{"nothing", 0, nil},
		{"a full queue", 3, []int{1, 2, 3}},
		{"a reader that is too slow", 5, []int{-1, 3, 4, 5}},
	} {
		f := feed.New[int](3)
		got := read(f, t.Context(), func() {
			for i := range test.published {
				f.Publish(i + 1)
			}
			f.Close()
		})
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestFeedEnds(t *testing.T) {
	f := feed.New[int](3)
	ctx, cancel := context.WithCancel(t.Context())
	if got := read(f, ctx, cancel); got != nil {
		t.Errorf("after its context: %v", got)
	}
	f.Publish(1)
	r := f.Follow()
	f.Publish(2)
	r.Close()
	f.Publish(3)
	f.Close()
	if n := <-r.C; n != 2 || len(r.C) != 0 {
		t.Errorf("followed from 2 to before 3, but got %d and %d more", n, len(r.C))
	}
	if _, open := <-f.Follow().C; open {
		t.Error("a reader of a closed feed waits")
	}
}
