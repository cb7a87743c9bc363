package bootstrap

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
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
		frames, n, _, err := j.frames(nil, now.Add(tt.after), 0, 0)
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

// However big the changes are, a watcher that does not read keeps one buffer, and one
// that reads hears all of them in order.
func TestJournalFillsABufferAtMost(t *testing.T) {
	j := newJournal(journalSize, 1, encodeOwn)
	for i := range 500 {
		e := fattest(i)
		if i%3 > 0 {
			e = entry{claim: &claim{sealed: fmt.Sprintf("%0*d", 100*(i%3), i)}}
		}
		j.add(change{kind: Updated, entry: e})
	}
	buffer := new([tellBytes]byte)
	revision := uint64(0)
	for full := true; full; {
		var frames []byte
		var n int
		var err error
		if frames, n, full, err = j.frames(buffer[:0], time.Now(), 7, revision); err != nil {
			t.Fatal(err)
		}
		if &frames[0] != &buffer[0] {
			t.Fatalf("%d bytes are told at once", len(frames))
		}
		in := bytes.NewReader(frames)
		for range n {
			var resp pb.DirectoryResponse
			if err := wire.ReadFrame(in, maxResponse, &resp); err != nil {
				t.Fatal(err)
			}
			if revision++; resp.GetId() != 7 || resp.GetChange().GetRevision() != revision {
				t.Fatalf("revision %d of request %d, want %d", resp.GetChange().GetRevision(), resp.GetId(), revision)
			}
		}
	}
	if revision != j.now() {
		t.Errorf("told of %d of %d changes", revision, j.now())
	}
}

// Of big changes fewer are kept, and whoever has not heard of them is hastened earlier;
// when they are over, as many as ever.
func TestJournalIsBoundedByBytes(t *testing.T) {
	j := newJournal(journalSize, 1, encodeOwn)
	add := func(e entry) {
		j.add(change{kind: Updated, entry: e})
		size, kept := 0, uint64(0)
		for i := range j.ring {
			if n := j.ring[i].Load(); n != nil {
				size += n.cost()
				kept++
			}
		}
		if size > journalBytes || size != j.size || kept != j.now()-j.oldest+1 {
			t.Fatalf("%d changes take %d bytes, reckoned as %d since revision %d", kept, size, j.size, j.oldest)
		}
	}
	fat, thin := fattest(0), entry{claim: &claim{sealed: strings.Repeat("x", 300)}}
	for range 3 * journalBytes / len(fat.claim.sealed) / 4 {
		add(fat)
	}
	kept := j.turns.kept.Load()
	if kept < 900 || kept != j.now()-j.oldest+1 {
		t.Errorf("%d of %d are kept, from %d on", kept, j.now(), j.oldest)
	}
	if count, err := j.read(j.oldest-1, func(*noted) bool { return true }); err != nil || uint64(count) != kept {
		t.Errorf("what is kept: %d changes, %v", count, err)
	}
	if _, err := j.read(j.oldest-2, func(*noted) bool { return true }); !errors.Is(err, ErrLagged) {
		t.Errorf("what is not kept any more: %v", err)
	}
	for range journalSize {
		j.add(change{kind: Updated, entry: thin})
	}
	add(thin)
	if kept := j.turns.kept.Load(); kept != journalSize {
		t.Errorf("%d small ones are kept", kept)
	}
}

// What an owner says when it leaves counts as well.
func TestJournalReckonsRemovals(t *testing.T) {
	j := newJournal(journalSize, 1, encodeOwn)
	for range journalSize {
		last := &claim{sealed: string(make([]byte, maxRecord)), removed: true}
		j.add(change{kind: Left, entry: entry{claim: &claim{sealed: "brief"}}, removal: last})
		if _, _, _, err := j.frames(nil, time.Now(), 0, j.now()-1); err != nil {
			t.Fatal(err)
		}
	}
	size := 0
	for i := range j.ring {
		if n := j.ring[i].Load(); n != nil {
			size += len(n.removal.sealed) + len(n.encoded.Load().data)
		}
	}
	if size == 0 || size > journalBytes {
		t.Errorf("%d bytes are kept", size)
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

// A watch begins with no list from which the journal will not go on.
func TestJournalGoesOn(t *testing.T) {
	j := newJournal(8, 1, encodeEntry)
	for range 20 {
		j.add(change{kind: Updated, entry: entry{claim: &claim{}}})
	}
	for revision, want := range map[uint64]bool{20: true, 16: true, 15: false, 12: false, 0: false} {
		if got := j.goesOn(revision); got != want {
			t.Errorf("from %d of 20 it goes on: %v", revision, got)
		}
		if _, _, err := j.after(revision, 1); want && err != nil {
			t.Errorf("after %d: %v", revision, err)
		}
	}
}
