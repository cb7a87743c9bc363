package durable_test

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/grapevine-p2p/grapevine/internal/durable"
	"github.com/grapevine-p2p/grapevine/internal/durable/durabletest"
)

func openLog(t *testing.T, fsys durable.FS) (*durable.Log, durable.Repair) {
	t.Helper()
	l, repair, err := durable.OpenLog(fsys, "/log")
	if err != nil {
		t.Fatal(err)
	}
	return l, repair
}

func appendAll(t *testing.T, l *durable.Log, records ...string) {
	t.Helper()
	for _, r := range records {
		if err := l.Append([]byte(r)); err != nil {
			t.Fatal(err)
		}
	}
}

func records(t *testing.T, l *durable.Log) []string {
	t.Helper()
	var all []string
	for r, err := range l.Records() {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(r))
	}
	return all
}

func TestLogKeepsOrder(t *testing.T) {
	mem := durabletest.NewMem()
	l, repair := openLog(t, mem)
	if repair != (durable.Repair{}) {
		t.Errorf("a new log was repaired: %+v", repair)
	}
	appendAll(t, l, "one", "two")
	if err := l.Append([]byte("three"), []byte("four")); err != nil {
		t.Fatal(err)
	}
	want := []string{"one", "two", "three", "four"}
	if got := records(t, l); !slices.Equal(got, want) {
		t.Errorf("records %q", got)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Append([]byte("late")); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("append after Close: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	l, repair = openLog(t, mem)
	defer l.Close()
	appendAll(t, l, "five")
	if got := records(t, l); !slices.Equal(got, append(want, "five")) || repair != (durable.Repair{}) {
		t.Errorf("after opening again: %q, %+v", got, repair)
	}
}

func TestLogRecordSize(t *testing.T) {
	l, _ := openLog(t, durabletest.NewMem())
	defer l.Close()
	for size, want := range map[int]error{
		0:                     durable.ErrRecordSize,
		1:                     nil,
		durable.MaxRecord:     nil,
		durable.MaxRecord + 1: durable.ErrRecordSize,
	} {
		if err := l.Append(make([]byte, size)); !errors.Is(err, want) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	if got := len(records(t, l)); got != 2 {
		t.Errorf("%d records", got)
	}
}

func TestLogGroupCommit(t *testing.T) {
	const writers, each = 16, 20
	mem := durabletest.NewMem()
	var mu sync.Mutex
	syncs := 0
	l, _ := openLog(t, durabletest.Wrap(mem, func(op durabletest.Op) error {
		mu.Lock()
		defer mu.Unlock()
		if op.Kind == "Sync" {
			syncs++
		}
		return nil
	}))
	defer l.Close()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if err := l.Append(fmt.Appendf(nil, "%d/%d", w, i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	next := make([]int, writers)
	for _, r := range records(t, l) {
		var w, i int
		if _, err := fmt.Sscanf(r, "%d/%d", &w, &i); err != nil || next[w] != i {
			t.Fatalf("record %q out of order", r)
		}
		next[w]++
	}
	if slices.Min(next) != each {
		t.Errorf("records per writer: %v", next)
	}
	t.Logf("%d appends, %d syncs", writers*each, syncs)
}

// Whatever the moment of a power cut, a log has every record that was acknowledged,
// then perhaps others that were on their way, in order.
func TestLogPowerCut(t *testing.T) {
	mem := durabletest.NewMem()
	var acked []string
	step := 0
	var sent []string
	l, _ := openLog(t, durabletest.Wrap(mem, func(op durabletest.Op) error {
		if !op.Changes() || len(sent) == 0 {
			return nil
		}
		step++
		for seed := range uint64(3) {
			for _, percent := range []int{0, 50, 100} {
				after, repair := openLog(t, mem.Crash(percent, seed))
				got := records(t, after)
				if len(got) < len(acked) || !slices.Equal(got, sent[:len(got)]) {
					t.Fatalf("step %d, %d %%: %d records, %d acknowledged", step, percent, len(got), len(acked))
				}
				if repair.Damaged() {
					t.Fatalf("step %d, %d %%: a torn write passed for damage: %+v", step, percent, repair)
				}
				appendAll(t, after, "afterwards")
				if got := records(t, after); got[len(got)-1] != "afterwards" {
					t.Fatal("append after a repair was lost")
				}
				after.Close()
			}
		}
		return nil
	}))
	for i := range 12 {
		var group [][]byte
		for j := range i%4 + 1 {
			r := strings.Repeat(fmt.Sprintf("%d.%d ", i, j), 1+700*(i%3))
			group = append(group, []byte(r))
			sent = append(sent, r)
		}
		if err := l.Append(group...); err != nil {
			t.Fatal(err)
		}
		acked = slices.Clone(sent)
	}
	if err := l.Rewrite(l.Records()); err != nil {
		t.Fatal(err)
	}
	if got := records(t, l); !slices.Equal(got, sent) {
		t.Error("Rewrite changed the records")
	}
	l.Close()
	if step < 30 {
		t.Errorf("only %d steps", step)
	}
}

// Whichever operation fails, what was acknowledged is there when the log is opened
// again, and a log that stopped says so at once.
func TestLogErrors(t *testing.T) {
	for n := 1; ; n++ {
		mem := durabletest.NewMem()
		failing, count := durabletest.FailAt(mem, n, errInjected)
		var acked []string
		l, _, err := durable.OpenLog(failing, "/log")
		if err == nil {
			for i := range 6 {
				r := fmt.Sprintf("record %d", i)
				if l.Append([]byte(r)) == nil {
					acked = append(acked, r)
				}
				if i == 3 {
					_ = l.Rewrite(l.Records())
				}
			}
			l.Close()
		}
		again, repair := openLog(t, mem)
		got := records(t, again)
		again.Close()
		if repair.Damaged() {
			t.Errorf("operation %d: %+v", n, repair)
		}
		// One that was not acknowledged may be there too.
		for _, r := range acked {
			if !slices.Contains(got, r) {
				t.Errorf("operation %d: acknowledged %q is lost", n, r)
			}
		}
		if len(got) > len(acked)+1 || !slices.IsSorted(got) {
			t.Errorf("operation %d: acknowledged %q, found %q", n, acked, got)
		}
		if count() < n {
			if n < 30 || len(acked) != 6 {
				t.Errorf("%d operations, %d records", n, len(acked))
			}
			return
		}
	}
}

func TestLogStopsAfterError(t *testing.T) {
	mem := durabletest.NewMem()
	full := false
	l, _ := openLog(t, durabletest.Wrap(mem, func(op durabletest.Op) error {
		if full && op.Kind == "Write" {
			return errInjected
		}
		return nil
	}))
	appendAll(t, l, "kept")
	full = true
	if err := l.Append([]byte(strings.Repeat("x", 5000))); !errors.Is(err, errInjected) {
		t.Fatalf("append to a full disk: %v", err)
	}
	full = false
	if err := l.Append([]byte("later")); !errors.Is(err, errInjected) || !strings.Contains(err.Error(), "earlier") {
		t.Errorf("append after an error: %v", err)
	}
	l.Close()
	again, repair := openLog(t, mem)
	defer again.Close()
	if repair.Cut == 0 || repair.Damaged() {
		t.Errorf("repair %+v", repair)
	}
	if got := records(t, again); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("records %q", got)
	}
}

func TestLogRewrite(t *testing.T) {
	mem := durabletest.NewMem()
	l, _ := openLog(t, mem)
	defer l.Close()
	appendAll(t, l, "a1", "b1", "a2", "b2")
	before := l.Size()
	onlyA := func(yield func([]byte, error) bool) {
		for r, err := range l.Records() {
			if (err != nil || r[0] == 'a') && !yield(r, err) {
				return
			}
		}
	}
	if err := l.Rewrite(onlyA); err != nil {
		t.Fatal(err)
	}
	appendAll(t, l, "a3")
	if got := records(t, l); !slices.Equal(got, []string{"a1", "a2", "a3"}) {
		t.Errorf("records %q", got)
	}
	if l.Size() >= before {
		t.Errorf("size %d, was %d", l.Size(), before)
	}
	failing := iter.Seq2[[]byte, error](func(yield func([]byte, error) bool) { yield(nil, errInjected) })
	if err := l.Rewrite(failing); !errors.Is(err, errInjected) {
		t.Errorf("rewrite from a failing source: %v", err)
	}
	appendAll(t, l, "a4")
	if got := records(t, l); len(got) != 4 {
		t.Errorf("after a failed rewrite: %q", got)
	}
}

// What a process read from a log stays there, even if the one that wrote it was
// killed before its sync.
func TestLogOpenMakesDurable(t *testing.T) {
	mem := durabletest.NewMem()
	killed := false
	l, _ := openLog(t, durabletest.Wrap(mem, func(op durabletest.Op) error {
		if killed && op.Kind == "Sync" {
			return errInjected
		}
		return nil
	}))
	killed = true
	if err := l.Append([]byte("unsynced")); !errors.Is(err, errInjected) {
		t.Fatal(err)
	}
	l.Close()
	l, _ = openLog(t, mem)
	defer l.Close()
	after, _ := openLog(t, mem.Crash(0, 0))
	defer after.Close()
	if got, want := records(t, after), records(t, l); len(want) != 1 || !slices.Equal(got, want) {
		t.Errorf("after a power cut %q, before it %q", got, want)
	}
}
