package rendezvous

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"
)

var t0 = time.Unix(1_800_000_000, 0)

func newTestTable(limits Limits) *Table { return NewTable([32]byte{1}, limits) }

func TestTableRefuses(t *testing.T) {
	table := newTestTable(Limits{RegistrationsPeer: 2, RegistrationsAll: 3})
	for _, c := range []struct {
		ns   string
		peer peer.ID
		ttl  time.Duration
		want Status // 0: taken
	}{
		{"", "a", 0, InvalidNamespace},
		{strings.Repeat("x", MaxNamespace+1), "a", 0, InvalidNamespace},
		{"\xff", "a", 0, InvalidNamespace},
		{"one", "a", MaxTTL + time.Second, InvalidTTL},
		{"one", "a", -1, InvalidTTL},
		{strings.Repeat("x", MaxNamespace), "a", MaxTTL, 0},
		{"one", "a", 0, 0},
		{"one", "a", time.Minute, 0}, // anew
		{"two", "a", 0, NotAuthorized},
		{"one", "b", 0, 0},
		{"two", "b", 0, Unavailable},
		{"one", "c", 0, Unavailable},
	} {
		_, err := table.Register(t0, c.ns, c.peer, []byte("record"), c.ttl)
		if c.want == 0 && err != nil || c.want != 0 && !HasStatus(err, c.want) {
			t.Errorf("register %.10q of %s for %s: %v, want %d", c.ns, c.peer, c.ttl, err, c.want)
		}
		if err := table.check(); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := table.Discover(t0, strings.Repeat("x", MaxNamespace+1), 0, nil, longAnswer); !HasStatus(err, InvalidNamespace) {
		t.Errorf("discover in a namespace too long: %v", err)
	}
}

func TestTableMemory(t *testing.T) {
	table := newTestTable(Limits{Memory: 100 << 10})
	record := bytes.Repeat([]byte{1}, 4<<10)
	taken := 0
	for i := range 100 {
		_, err := table.Register(t0, "ns", peer.ID(fmt.Sprint(i)), record, 0)
		switch {
		case err == nil:
			taken++
		case !HasStatus(err, Unavailable):
			t.Fatal(err)
		}
	}
	if taken < 10 || taken*len(record) > 100<<10 {
		t.Fatalf("%d records of 4 KiB in 100 KiB", taken)
	}
	// Who is there may stay, though not grow.
	if _, err := table.Register(t0, "ns", "0", record, 0); err != nil {
		t.Error(err)
	}
	if _, err := table.Register(t0, "ns", "0", bytes.Repeat(record, 4), 0); !HasStatus(err, Unavailable) {
		t.Errorf("a longer record: %v", err)
	}
	if err := table.check(); err != nil {
		t.Error(err)
	}
	table.expire(t0.Add(DefaultTTL))
	if table.Len() != 0 || table.memory != 0 {
		t.Errorf("%d registrations and %d bytes after the end", table.Len(), table.memory)
	}
}

func TestCookies(t *testing.T) {
	table := newTestTable(Limits{})
	names := func(ns string, limit uint64, cookie []byte, size int) (string, []byte) {
		t.Helper()
		found, next, err := table.Discover(t0, ns, limit, cookie, size)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, r := range found {
			all = append(all, string(r.Record))
		}
		return strings.Join(all, " "), next
	}
	enter := func(ns, who string) {
		t.Helper()
		if _, err := table.Register(t0, ns, peer.ID(who), []byte(who), 0); err != nil {
			t.Fatal(err)
		}
	}
	for _, who := range []string{"a", "b", "c"} {
		enter("ns", who)
	}
	enter("other", "d")
	got, cookie := names("ns", 2, nil, longAnswer)
	if got != "a b" {
		t.Fatalf("the first two are %q", got)
	}
	if got, cookie = names("ns", 2, cookie, longAnswer); got != "c" {
		t.Fatalf("the next are %q", got)
	}
	if got, cookie = names("ns", 2, cookie, longAnswer); got != "" {
		t.Fatalf("after all come %q", got)
	}
	enter("ns", "e")
	enter("ns", "a")
	if got, _ = names("ns", 0, cookie, longAnswer); got != "e a" {
		t.Fatalf("since then %q", got)
	}
	if got, _ = names("", 0, nil, longAnswer); got != "b c d e a" {
		t.Fatalf("in all namespaces %q", got)
	}
	if got, _ = names("ns", 0, nil, 2*(entryOverhead+3)); got != "b c" {
		t.Fatalf("in a short answer %q", got)
	}
	if got, _ = names("nobody's", 0, nil, longAnswer); got != "" {
		t.Fatalf("nobody is %q", got)
	}

	changed := slices.Clone(cookie)
	changed[7]--
	_, of, _ := NewTable([32]byte{2}, Limits{}).Discover(t0, "ns", 0, nil, longAnswer)
	for what, bad := range map[string][]byte{
		"changed": changed, "of another server": of, "cut": cookie[:5], "long": append(slices.Clone(cookie), 0),
	} {
		if _, _, err := table.Discover(t0, "ns", 0, bad, longAnswer); !HasStatus(err, InvalidCookie) {
			t.Errorf("a cookie %s: %v", what, err)
		}
	}
	if _, _, err := table.Discover(t0, "other", 0, cookie, longAnswer); !HasStatus(err, InvalidCookie) {
		t.Errorf("a cookie of another namespace: %v", err)
	}
}

func TestResultsAreBounded(t *testing.T) {
	table := newTestTable(Limits{})
	for i := range MaxResults + 5 {
		if _, err := table.Register(t0, "ns", peer.ID(fmt.Sprint(i)), nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	for _, limit := range []uint64{0, MaxResults + 1, 1 << 63} {
		if found, _, err := table.Discover(t0, "ns", limit, nil, longAnswer); err != nil || len(found) != MaxResults {
			t.Errorf("limit %d: %d, %v", limit, len(found), err)
		}
	}
}

// TestTableAgainstModel compares a table with a list that is searched through.
func TestTableAgainstModel(t *testing.T) {
	type row struct {
		ns, peer string
		expires  time.Time
		seq      int
	}
	rapid.Check(t, func(t *rapid.T) {
		limits := Limits{RegistrationsPeer: 3, RegistrationsAll: 8}
		table := newTestTable(limits)
		var model []row
		now, seq := t0, 0
		place := rapid.SampledFrom([]string{"x", "y", "z", "w"})
		who := rapid.SampledFrom([]string{"a", "b", "c", "d"})
		cookies := map[string]struct {
			cookie []byte
			seq    int
		}{}
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				if err := table.check(); err != nil {
					t.Fatal(err)
				}
			},
			"time": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 120).Draw(t, "seconds")) * time.Second)
				model = slices.DeleteFunc(model, func(r row) bool { return !r.expires.After(now) })
			},
			"register": func(t *rapid.T) {
				ns, id, ttl := place.Draw(t, "ns"), who.Draw(t, "peer"), time.Duration(rapid.IntRange(1, 200).Draw(t, "ttl"))*time.Second
				i := slices.IndexFunc(model, func(r row) bool { return r.ns == ns && r.peer == id })
				own := 0
				for _, r := range model {
					if r.peer == id {
						own++
					}
				}
				_, err := table.Register(now, ns, peer.ID(id), []byte(id), ttl)
				if full := i < 0 && (own >= limits.RegistrationsPeer || len(model) >= limits.RegistrationsAll); full != (err != nil) {
					t.Fatalf("full is %v, %v", full, err)
				}
				if err != nil {
					return
				}
				if i >= 0 {
					model = slices.Delete(model, i, i+1)
				}
				seq++
				model = append(model, row{ns, id, now.Add(ttl), seq})
			},
			"unregister": func(t *rapid.T) {
				ns, id := place.Draw(t, "ns"), who.Draw(t, "peer")
				table.Unregister(now, ns, peer.ID(id))
				model = slices.DeleteFunc(model, func(r row) bool { return r.ns == ns && r.peer == id })
			},
			"discover": func(t *rapid.T) {
				ns := rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "ns")
				limit := rapid.IntRange(1, 5).Draw(t, "limit")
				from := cookies[ns]
				found, cookie, err := table.Discover(now, ns, uint64(limit), from.cookie, longAnswer)
				if err != nil {
					t.Fatal(err)
				}
				var want []row
				for _, r := range model {
					if (ns == "" || r.ns == ns) && r.seq > from.seq && len(want) < limit {
						want = append(want, r)
					}
				}
				same := slices.EqualFunc(found, want, func(a Registration, b row) bool {
					return cmp.Or(cmp.Compare(a.Namespace, b.ns), cmp.Compare(string(a.Record), b.peer), cmp.Compare(a.TTL, b.expires.Sub(now))) == 0
				})
				if !same {
					t.Fatalf("found %v, want %v", found, want)
				}
				from.cookie = cookie
				if len(want) > 0 {
					from.seq = want[len(want)-1].seq
				}
				cookies[ns] = from
			},
		})
	})
}

func TestStatusErrors(t *testing.T) {
	if HasStatus(errors.New("x"), InternalError) || HasStatus(nil, 0) {
		t.Error("an error without a status has one")
	}
	status, text := encodeStatus(errors.New("secret"))
	if *status != 300 || strings.Contains(*text, "secret") {
		t.Errorf("%v %q", status, *text)
	}
}
