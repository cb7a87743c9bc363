package bootstrap

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unique"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// testKey is the same in every run.
func testKey(t testing.TB, n byte) (crypto.PrivKey, peer.ID) {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(bytes.NewReader(bytes.Repeat([]byte{n}, 64)))
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return key, id
}

func TestNames(t *testing.T) {
	for _, tt := range []struct {
		name string
		key  nameKey
		ok   bool
	}{
		{"", "", true},
		{"alice", "alice", true},
		{"Alice B.", "alice b.", true},
		{"ＡＬＩＣＥ", "alice", true},
		{"Straße", "strasse", true},
		{"alice  b", "alice b", true},
		{"ΣΊΣΥΦΟΣ", "σίσυφοσ", true},
		{"e\u0301", "é", true},
		{"👻", "👻", true},
		{strings.Repeat("ä", 64), nameKey(strings.Repeat("ä", 64)), true},
		{strings.Repeat("a", 65), "", false},
		{strings.Repeat("\ufdfa", 10), "", false}, // unfolds to 180 characters
		{" alice", "", false},
		{"alice ", "", false},
		{"\u00a0alice", "", false},
		{"a\nb", "", false},
		{"a\x1b[31mb", "", false},
		{"a\u202eb", "", false},
		{"a\u200bb", "", false},
		{"a\u200db", "", false},
		{"a\ufe0fb", "", false},
		{"a\u3164b", "", false}, // Hangul filler
		{"a\u034fb", "", false}, // combining grapheme joiner
		{"a\ue000b", "", false},
		{"a\u0085b", "", false},
		{"a\u2800b", "", false},
		{"a\xffb", "", false},
		{"/ip4/127.0.0.1", "", false},
		{"12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5", "", false},
	} {
		key, err := keyOf(tt.name)
		if (err == nil) != tt.ok || err == nil && key != tt.key {
			t.Errorf("key of %q is %q, %v; want %q", tt.name, key, err, tt.key)
		}
		if err != nil && !errors.Is(err, ErrNameInvalid) {
			t.Errorf("error for %q: %v", tt.name, err)
		}
	}
}

func TestRecordsAreProved(t *testing.T) {
	key, id := testKey(t, 1)
	otherKey, _ := testKey(t, 2)
	now := time.Now()
	good := func() *claim {
		return &claim{
			particulars: &particulars{[]ma.Multiaddr{ma.StringCast("/ip4/192.0.2.1/tcp/4001")}}, expires: secondOf(now.Add(time.Hour)),
			network: unique.Make("net"), name: "alice", peer: id, seq: 7,
		}
	}
	for name, tt := range map[string]struct {
		key    crypto.PrivKey
		change func(*claim)
		bend   func([]byte) []byte
		want   error
	}{
		"good":               {},
		"removal":            {change: func(c *claim) { c.removed = true }},
		"another key":        {key: otherKey, want: ErrForged},
		"another network":    {change: func(c *claim) { c.network = unique.Make("other") }, want: ErrOtherNetwork},
		"no network":         {change: func(c *claim) { c.network = unique.Make("") }, want: ErrMalformed},
		"expired":            {change: func(c *claim) { c.expires = secondOf(now.Add(-time.Hour)) }, want: ErrStale},
		"expired just now":   {change: func(c *claim) { c.expires = secondOf(now.Add(-time.Minute)) }},
		"valid for too long": {change: func(c *claim) { c.expires = secondOf(now.Add(100 * 24 * time.Hour)) }, want: ErrMalformed},
		"no number":          {change: func(c *claim) { c.seq = 0 }, want: ErrMalformed},
		"the last number":    {change: func(c *claim) { c.seq = 1 << 63 }, want: ErrMalformed},
		"hidden characters":  {change: func(c *claim) { c.name = "ali\u200bce" }, want: ErrNameInvalid},
		"no peer":            {change: func(c *claim) { c.peer = "" }, want: ErrMalformed},
		"an address of somebody": {
			change: func(c *claim) {
				c.addrs = []ma.Multiaddr{ma.StringCast("/ip4/192.0.2.1/tcp/1/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5")}
			},
			want: ErrMalformed,
		},
		"a bit flipped": {bend: func(b []byte) []byte { b[len(b)-1] ^= 1; return b }, want: ErrForged},
		"cut":           {bend: func(b []byte) []byte { return b[:len(b)/2] }, want: ErrMalformed},
		"nothing":       {bend: func([]byte) []byte { return nil }, want: ErrMalformed},
		"too big":       {bend: func([]byte) []byte { return make([]byte, maxRecord+1) }, want: ErrMalformed},
		"of another kind": {
			bend: func([]byte) []byte {
				rec := &peer.PeerRecord{PeerID: id, Seq: 1}
				e, err := record.Seal(rec, key)
				if err != nil {
					t.Fatal(err)
				}
				data, err := e.Marshal()
				if err != nil {
					t.Fatal(err)
				}
				return data
			},
			want: ErrForged,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := good()
			if tt.change != nil {
				tt.change(c)
			}
			signer := key
			if tt.key != nil {
				signer = tt.key
			}
			sealed, err := c.seal(signer)
			if err != nil {
				t.Fatal(err)
			}
			if tt.bend != nil {
				sealed = tt.bend(sealed)
			}
			got, err := openClaim(sealed, "net", now)
			if tt.want != nil {
				if !errors.Is(err, tt.want) {
					t.Fatalf("%v, want %v", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.name != c.name || got.peer != c.peer || got.seq != c.seq || got.removed != c.removed || len(got.addrs) != 1 || !got.addrs[0].Equal(c.addrs[0]) {
				t.Fatalf("%+v", got)
			}
		})
	}
}

func TestSealFitsWhateverTheAddresses(t *testing.T) {
	key, id := testKey(t, 1)
	c := &claim{particulars: &particulars{}, expires: secondOf(time.Now()), network: unique.Make("net"), name: "alice", peer: id, seq: 1}
	long := "/dns4/" + strings.Repeat("a", 400) + "/tcp/1"
	for range 100 {
		c.addrs = append(c.addrs, ma.StringCast(long), ma.StringCast("/ip4/192.0.2.1/tcp/1"))
	}
	sealed, err := c.seal(key)
	if err != nil {
		t.Fatal(err)
	}
	got, err := openClaim(sealed, "net", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if len(got.addrs) == 0 || len(got.addrs) > maxAddrs {
		t.Fatalf("%d addresses", len(got.addrs))
	}
}

func TestJournal(t *testing.T) {
	j := newJournal(4, 1, encodeEntry)
	expect := func(from uint64, n int, want string, wantErr error) {
		t.Helper()
		changes, wait, err := j.after(from, n)
		got := ""
		for _, c := range changes {
			got += string(c.entry.claim.peer)
		}
		if got != want || !errors.Is(err, wantErr) || (wait != nil) != (want == "" && wantErr == nil) {
			t.Fatalf("after %d: %q, %v, %v; want %q, %v", from, got, wait, err, want, wantErr)
		}
	}
	expect(0, 9, "", nil)
	_, wait, _ := j.after(0, 9)
	for _, id := range "abc" {
		j.add(change{entry: entry{claim: &claim{peer: peer.ID(string(id))}}})
	}
	select {
	case <-wait:
	case <-time.After(patience):
		t.Fatal("a waiting reader is not woken")
	}
	expect(0, 9, "abc", nil)
	expect(1, 1, "b", nil)
	expect(3, 9, "", nil)
	expect(4, 9, "", ErrLagged)
	for _, id := range "defg" {
		j.add(change{entry: entry{claim: &claim{peer: peer.ID(string(id))}}})
	}
	expect(2, 9, "", ErrLagged)
	expect(3, 9, "defg", nil)
	expect(6, 9, "g", nil)
}

func TestQuota(t *testing.T) {
	q := newQuota[string](2, 1.5, 2)
	take := func(at time.Duration, key string, want bool, wait time.Duration) {
		t.Helper()
		got, ok := q.take(t0.Add(at), key)
		if ok != want || got != wait {
			t.Fatalf("at %s: %v, %v; want %v, %v", at, got, ok, wait, want)
		}
	}
	for range 3 {
		take(0, "a", true, 0)
	}
	take(0, "a", false, time.Second/2)
	take(time.Second/4, "a", false, time.Second/4)
	take(time.Second/2, "a", true, 0)
	take(time.Second/2, "b", true, 0)
	take(time.Second/2, "c", false, 3*time.Second/2) // no room to remember it
	take(time.Minute, "c", true, 0)                  // a and b have been quiet
	if len(q.buckets) != 1 {
		t.Fatalf("%d buckets", len(q.buckets))
	}
}

// TestQuotaForgets is about what many strangers cost who each ask once.
func TestQuotaForgets(t *testing.T) {
	q := newQuota[int](1, 10, 100_000)
	for i := range 50_000 {
		if _, ok := q.take(t0.Add(time.Duration(i)*10*time.Millisecond), i); !ok {
			t.Fatalf("stranger %d is refused", i)
		}
	}
	if len(q.buckets) > 2*fewQuotas {
		t.Fatalf("%d buckets, nearly all of them full", len(q.buckets))
	}
}

func TestOrigin(t *testing.T) {
	for addr, want := range map[string]string{
		"/ip4/192.0.2.7/tcp/1":            "192.0.2.7/32",
		"/ip6/2001:db8:1:2:3:4:5:6/tcp/1": "2001:db8:1:2::/64",
		"/ip6/::ffff:192.0.2.7/tcp/1":     "192.0.2.7/32",
		"/ip4/127.0.0.1/tcp/1":            "",
		"/ip4/10.1.2.3/tcp/1":             "",
		"/ip4/100.64.3.4/udp/1/quic-v1":   "",
		"/ip4/169.254.1.1/tcp/1":          "",
		"/ip6/fd00::1/tcp/1":              "",
		"/dns4/example.com/tcp/1":         "",
	} {
		got, ok := origin(ma.StringCast(addr))
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("origin of %s is %v, %v; want %q", addr, got, ok, want)
		}
	}
}

func TestErrorsCrossTheWire(t *testing.T) {
	for _, c := range codes {
		if c.err == ErrForged {
			continue // a matter between a server and its client: malformed
		}
		err := decodeError(encodeError(fmt.Errorf("context: %w", c.err), t0), "alice", t0)
		if !errors.Is(err, c.err) {
			t.Errorf("%v arrives as %v", c.err, err)
		}
	}
	until := t0.Add(42 * time.Second)
	err := decodeError(encodeError(&NameTakenError{Name: "x", Owner: "owner", Until: until}, t0), "alice", t0)
	var taken *NameTakenError
	if !errors.As(err, &taken) || taken.Owner != "owner" || !taken.Until.Equal(until) || taken.Name != "alice" {
		t.Errorf("%+v", err)
	}
	few := &laterError{fmt.Errorf("%w: 1 of 3", ErrNoMajority), 2 * time.Second}
	err = decodeError(encodeError(few, t0), "alice", t0)
	if want := `no majority of the servers answers: the server says "1 of 3", try again in 2s`; err.Error() != want {
		t.Errorf("it reads %q, not %q", err, want)
	}
	if e := encodeError(errors.New(strings.Repeat("ä", 1000)), t0); len(e.Reason) > maxReason {
		t.Errorf("%d bytes of reason", len(e.Reason))
	}
	// A server cannot make a peer use its sequence numbers up.
	liar := &pb.DirectoryError{Code: pb.DirectoryErrorCode_DIRECTORY_ERROR_STALE, Seq: math.MaxInt64 - 1}
	if err := decodeError(liar, "", t0); !errors.Is(err, ErrMalformed) || errors.Is(err, ErrStale) {
		t.Errorf("a sequence number of the far future is %v", err)
	}
	if err := decodeError(&pb.DirectoryError{Code: 99}, "", t0); !errors.Is(err, ErrMalformed) {
		t.Errorf("an unknown code is %v", err)
	}
}

func TestMergerTellsOneStory(t *testing.T) {
	one, two := &link{}, &link{}
	on := func(id peer.ID, seq uint64) entry { return entry{claim: claimOf(id, string(id), seq), online: true} }
	off := func(id peer.ID, seq uint64) entry { return entry{claim: claimOf(id, string(id), seq)} }
	word := func(id peer.ID, seq uint64) *change {
		c := gone(claimOf(id, string(id), seq))
		return &change{kind: Left, entry: entry{claim: c}, removal: c}
	}
	m := newMerger(map[leaseID]entry{})
	for i, step := range []struct {
		report report
		want   string
	}{
		{report{link: one, all: []entry{on("a", 1), off("b", 1)}}, "joined a joined b"},
		{report{link: two, all: []entry{on("a", 1), on("b", 1)}}, "updated b"},
		{report{link: two, changed: &change{kind: Away, entry: off("b", 1)}}, "away b"},
		{report{link: one, changed: &change{kind: Away, entry: off("a", 1)}}, ""}, // two still sees it
		{report{link: one, changed: &change{kind: Left, entry: off("a", 1)}}, ""},
		{report{link: two, changed: &change{kind: Expired, entry: off("a", 1)}}, "expired a"},
		{report{link: one, changed: &change{kind: Updated, entry: on("b", 2)}}, "updated b"},
		{report{link: two, changed: &change{kind: Joined, entry: on("c", 1)}}, "joined c"},
		{report{link: one, changed: &change{kind: Joined, entry: on("f", 1)}}, "joined f"},
		{report{link: one, changed: word("f", 2)}, "left f"},
		{report{link: two, changed: &change{kind: Joined, entry: on("f", 1)}}, ""}, // two is behind
		{report{link: two, changed: word("f", 2)}, ""},
		{report{link: two, changed: &change{kind: Joined, entry: on("f", 3)}}, "joined f"},
		{report{link: two, changed: word("f", 4)}, "left f"},
		{report{link: two, lost: true}, "left c"}, // only two had it
		{report{link: one, lost: true}, ""},       // nobody knows better
		{report{link: two, all: []entry{on("d", 1)}}, "left b joined d"},
		{report{link: one, changed: &change{kind: Joined, entry: on("e", 1)}}, ""}, // not followed
	} {
		var got []string
		for c := range m.take(step.report) {
			got = append(got, c.kind.String()+" "+c.entry.claim.name)
		}
		if strings.Join(got, " ") != step.want {
			t.Fatalf("step %d: %q, want %q", i, strings.Join(got, " "), step.want)
		}
	}
}
