package bootstrap

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// A change is encoded once for those who ask together, and its spans are those from
// when it is sent.
func TestJournalEncodesAnewWhatIsOld(t *testing.T) {
	j, now := newJournal(2, 1, encodeEntry), time.Now()
	j.add(change{kind: Joined, entry: entry{
		claim: &claim{}, since: momentOf(now), expires: momentOf(now.Add(time.Minute)),
	}})
	for _, tt := range []struct{ after, age, left time.Duration }{
		{0, 0, time.Minute},
		{listingAge, 0, time.Minute},
		{10 * time.Second, 10 * time.Second, 50 * time.Second},
		{10*time.Second + listingAge, 10 * time.Second, 50 * time.Second},
	} {
		frames, n, err := j.frames(nil, now.Add(tt.after), 0, 0, 1)
		if err != nil || n != 1 {
			t.Fatalf("%d changes, %v", n, err)
		}
		var resp pb.DirectoryResponse
		if err := wire.ReadFrame(bytes.NewReader(frames), maxResponse, &resp); err != nil {
			t.Fatal(err)
		}
		e := resp.GetChange().GetEntry()
		if age, left := span(e.GetAgeMs()), span(e.GetLeftMs()); age != tt.age || left != tt.left {
			t.Errorf("after %s: %s old with %s left, want %s and %s", tt.after, age, left, tt.age, tt.left)
		}
	}
}

// Who lags gets no part of what is still kept.
func TestJournalLagged(t *testing.T) {
	j := newJournal(2, 1, encodeEntry)
	for range 2 {
		j.add(change{kind: Updated, entry: entry{claim: &claim{}}})
	}
	j.slot(2).Store(&noted{revision: 4}) // one is added while it is read
	if changes, _, err := j.after(0, 2); !errors.Is(err, ErrLagged) || changes != nil {
		t.Errorf("%d changes, %v", len(changes), err)
	}
}
