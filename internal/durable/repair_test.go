package durable_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/grapevine-p2p/grapevine/internal/durable"
	"github.com/grapevine-p2p/grapevine/internal/durable/durabletest"
)

// logBytes returns a log file and its records, and where each record's frame ends.
func logBytes(t *testing.T) (file []byte, want []string, ends []int) {
	t.Helper()
	mem := durabletest.NewMem()
	l, _ := openLog(t, mem)
	for i := range 5 {
		r := fmt.Sprintf("record %d", i)
		appendAll(t, l, r)
		want = append(want, r)
		ends = append(ends, int(l.Size()))
	}
	l.Close()
	return []byte(state(t, mem, "/log")), want, ends
}

func withLog(t testing.TB, content []byte) *durabletest.Mem {
	t.Helper()
	mem := durabletest.NewMem()
	if err := durable.WriteFile(mem, "/log", content, 0o600); err != nil {
		t.Fatal(err)
	}
	return mem
}

func TestLogTruncatedAnywhere(t *testing.T) {
	file, want, ends := logBytes(t)
	for n := range file {
		mem := withLog(t, file[:n])
		l, repair := openLog(t, mem)
		whole, end := 0, 40 // the headers' length
		for whole < len(ends) && ends[whole] <= n {
			end = ends[whole]
			whole++
		}
		if got := records(t, l); !slices.Equal(got, want[:whole]) {
			t.Fatalf("%d bytes: %q", n, got)
		}
		l.Close()
		if n >= end && (repair.Cut != int64(n-end) || repair.Damaged()) {
			t.Errorf("%d bytes: %+v, want %d cut", n, repair, n-end)
		}
		if n < 20 && !repair.Damaged() {
			t.Errorf("%d bytes: a lost header was not told", n)
		}
	}
}

func TestLogFlippedAnywhere(t *testing.T) {
	file, want, ends := logBytes(t)
	for at := range file {
		broken := bytes.Clone(file)
		broken[at] ^= 0x40
		mem := withLog(t, broken)
		l, repair := openLog(t, mem)
		got := records(t, l)
		appendAll(t, l, "afterwards")
		l.Close()
		hit := 0 // the record with the flipped byte
		for hit < len(ends) && ends[hit] <= at {
			hit++
		}
		switch {
		case at < 40: // a header: its twin is sound
			if !slices.Equal(got, want) || repair != (durable.Repair{}) {
				t.Errorf("byte %d: %q, %+v", at, got, repair)
			}
		case hit == len(ends)-1: // nothing says that the last record was durable
			if !slices.Equal(got, want[:hit]) || repair.Cut == 0 || repair.Damaged() {
				t.Errorf("byte %d: %q, %+v", at, got, repair)
			}
		default:
			rest := slices.Delete(slices.Clone(want), hit, hit+1)
			if !slices.Equal(got, rest) || repair.Cut != 0 || repair.Lost != int64(ends[1]-ends[0]) {
				t.Errorf("byte %d: %q, %+v", at, got, repair)
			}
			if state(t, mem, repair.Quarantine) != string(broken) {
				t.Errorf("byte %d: the damaged file was not kept", at)
			}
		}
		// What was repaired is sound.
		l, repair = openLog(t, mem)
		if again := records(t, l); repair != (durable.Repair{}) || !slices.Equal(again, append(got, "afterwards")) {
			t.Errorf("byte %d: opened again: %q, %+v", at, again, repair)
		}
		l.Close()
	}
}

func TestLogDamageBeforeTornEnd(t *testing.T) {
	file, want, ends := logBytes(t)
	broken := bytes.Clone(file)
	broken[ends[0]+20] ^= 1
	mem := withLog(t, append(broken, "torn"...))
	l, repair := openLog(t, mem)
	defer l.Close()
	if got := records(t, l); !slices.Equal(got, slices.Delete(slices.Clone(want), 1, 2)) {
		t.Errorf("records %q", got)
	}
	if repair.Cut != 4 || !repair.Damaged() {
		t.Errorf("repair %+v", repair)
	}
}

func TestLogFromTheFuture(t *testing.T) {
	file, _, _ := logBytes(t)
	mem := withLog(t, append(futureHeader(), file[40:]...))
	_, _, err := durable.OpenLog(mem, "/log")
	if err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("error %v", err)
	}
	if state(t, mem, "/log")[:20] != string(futureHeader()[:20]) {
		t.Error("the file was touched")
	}
}

// A record whose content looks like a log stays one record, or is lost whole.
func TestLogNestedFrames(t *testing.T) {
	inner, _, _ := logBytes(t)
	mem := durabletest.NewMem()
	l, _ := openLog(t, mem)
	appendAll(t, l, string(inner), "last", "very last")
	l.Close()
	broken := []byte(state(t, mem, "/log"))
	broken[41] ^= 1 // the outer frame's length
	l, repair := openLog(t, withLog(t, broken))
	defer l.Close()
	if got := records(t, l); !slices.Equal(got, []string{"last", "very last"}) || !repair.Damaged() {
		t.Errorf("records %q, %+v", got, repair)
	}
}

func TestLogRepairPowerCut(t *testing.T) {
	file, want, ends := logBytes(t)
	broken := bytes.Clone(file)
	broken[ends[1]+20] ^= 1
	mem := withLog(t, append(broken, "torn"...))
	want = slices.Delete(want, 2, 3)
	watched := durabletest.Wrap(mem, func(op durabletest.Op) error {
		if op.Changes() {
			for seed := range uint64(4) {
				l, _ := openLog(t, mem.Crash(50, seed))
				if got := records(t, l); !slices.Equal(got, want) {
					t.Fatalf("before %v: %q", op, got)
				}
				l.Close()
			}
		}
		return nil
	})
	l, _ := openLog(t, watched)
	l.Close()
}

func FuzzLogOpen(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(futureHeader())
	f.Add(append(soundHeader(), 1, 0, 0, 0, 0, 0, 0, 0))
	f.Fuzz(func(t *testing.T, content []byte) {
		mem := withLog(t, content)
		l, _, err := durable.OpenLog(mem, "/log")
		if err != nil {
			if !strings.Contains(err.Error(), "newer version") {
				t.Fatal(err)
			}
			return
		}
		before := records(t, l)
		appendAll(t, l, "afterwards")
		l.Close()
		l, repair := openLog(t, mem)
		defer l.Close()
		if got := records(t, l); !slices.Equal(got, append(before, "afterwards")) || repair != (durable.Repair{}) {
			t.Errorf("opened again: %d records, had %d; %+v", len(got), len(before), repair)
		}
	})
}
