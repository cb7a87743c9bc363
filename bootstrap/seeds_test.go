package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
)

func TestHTTPSeeds(t *testing.T) {
	s := startServer(t)
	alice := startClient(t, infos(s)...)
	register(t, alice, "alice")
	register(t, alice, "alice-files")
	web := httptest.NewServer(s.Handler())
	defer web.Close()
	for _, url := range []string{web.URL, web.URL + "/", web.URL + "/api/peers"} {
		seeds, err := HTTPSeeds(bounded(t), nil, url)
		if err != nil || len(seeds) != 2 {
			t.Fatalf("%s: %v, %v", url, seeds, err)
		}
		for i, id := range []peer.ID{s.Host.ID(), alice.host.ID()} {
			if seeds[i].ID != id {
				t.Fatalf("%s: seed %d is %v, want %s", url, i, seeds[i], id)
			}
			if err := startClient(t, infos(s)...).host.Connect(bounded(t), seeds[i]); err != nil {
				t.Errorf("%s: seed %d is not there: %v", url, i, err)
			}
		}
	}
	if _, err := HTTPSeeds(bounded(t), web.Client(), web.URL+"/elsewhere"); err == nil {
		t.Error("seeds from a page that is not there")
	}
}

const (
	seedID  = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
	otherID = "12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5"
)

func TestHostileSeeds(t *testing.T) {
	good := `{"addrs":["/ip4/192.0.2.1/tcp/4001/p2p/` + seedID + `"],"online":true}`
	for _, c := range []struct {
		what, body string
		want       int
		fails      bool
	}{
		{"one peer", `{"peers":[` + good + `]}`, 1, false},
		{"the server too", `{"addrs":["/ip4/192.0.2.2/tcp/4001/p2p/` + otherID + `"],"peers":[` + good + `]}`, 2, false},
		{"fields of the future", `{"x":{"y":[1,{"z":null}]},"peers":[` + good + `],"w":1}`, 1, false},
		{"nobody", `{"peers":[]}`, 0, false},
		{"nothing", `{}`, 0, false},
		{"the same peer often", `{"peers":[` + strings.Repeat(good+",", 50) + good + `]}`, 1, false},
		{"cut off", `{"peers":[` + good + `,{"addrs":["/ip4/19`, 1, false},
		{"garbage after", `{"peers":[` + good + `]}]]]`, 1, false},
		{"somebody who is away", `{"peers":[{"addrs":["/ip4/192.0.2.1/tcp/1/p2p/` + seedID + `"],"online":false}]}`, 0, false},
		{"detached", `{"peers":[{"addrs":["/ip4/192.0.2.1/tcp/1/p2p/` + seedID + `"],"online":false,"detached":true}]}`, 1, false},
		{"another peer's address", `{"peers":[{"addrs":["/ip4/192.0.2.1/tcp/1/p2p/` + seedID + `","/ip4/192.0.2.1/tcp/1/p2p/` + otherID + `"]}]}`, 1, false},
		{"no peer ID", `{"peers":[{"addrs":["/ip4/192.0.2.1/tcp/1"]}]}`, 0, false},
		{"no address", `{"peers":[{"addrs":["/p2p/` + seedID + `"]}]}`, 0, false},
		{"no multiaddr", `{"peers":[{"addrs":["http://example.org","","/","/ip4/300.1.1.1/tcp/1/p2p/` + seedID + `"]}]}`, 0, false},
		{"a long address", `{"peers":[{"addrs":["` + strings.Repeat("/ip4/192.0.2.1/tcp/1", 60) + `/p2p/` + seedID + `"]}]}`, 0, false},
		{"hidden addresses", `{"addrs":[],"peers":[{"addrs":[]},{"addrs":[]}]}`, 0, true},
		{"not an object", `[]`, 0, true},
		{"a page", `<html>sign in to the network</html>`, 0, true},
		{"no body", ``, 0, true},
		{"another type", `{"peers":{"addrs":[]}}`, 0, true},
		{"numbers as addresses", `{"peers":[{"addrs":[1,2]}]}`, 0, true},
		{"deep", strings.Repeat(`{"peers":[`, 20_000), 0, true},
	} {
		seeds, err := readSeeds(strings.NewReader(c.body), true)
		if len(seeds) != c.want || (err != nil) != c.fails {
			t.Errorf("%s: %v, %v", c.what, seeds, err)
		}
		for _, s := range seeds {
			if s.ID == "" || len(s.Addrs) != 1 {
				t.Errorf("%s: %v", c.what, s)
			}
		}
	}
}

func TestSeedsElsewhereAreNotHere(t *testing.T) {
	body := `{"peers":[{"addrs":["/ip4/127.0.0.1/tcp/22/p2p/` + seedID + `","/ip4/10.0.0.1/tcp/4001/p2p/` + seedID + `"]}]}`
	for near, want := range map[bool]int{true: 2, false: 1} {
		seeds, err := readSeeds(strings.NewReader(body), near)
		if err != nil || len(seeds) != 1 || len(seeds[0].Addrs) != want {
			t.Errorf("near is %v: %v, %v", near, seeds, err)
		}
	}
	for host, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "::1": true, "10.0.0.1": false, "example.org": false, "localhost.example.org": false,
	} {
		if thisMachine(host) != want {
			t.Errorf("%s is this machine: %v", host, !want)
		}
	}
}

// TestSeedsAreBounded reads a list without an end.
func TestSeedsAreBounded(t *testing.T) {
	ids := make([]string, 256)
	for i := range ids {
		_, id := testKey(t, byte(i))
		ids[i] = id.String()
	}
	written := 0
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/peers" || r.Header.Get("Accept") != "application/json" {
			t.Errorf("asked for %s as %q", r.URL, r.Header.Get("Accept"))
		}
		_, _ = io.WriteString(w, `{"peers":[`)
		for i := 0; ; i++ {
			n, err := fmt.Fprintf(w, `{"addrs":["/ip4/192.0.2.1/tcp/%d/p2p/%s"]},`, 1+i%60_000, ids[i%len(ids)])
			if written += n; err != nil {
				return
			}
		}
	}))
	found, err := HTTPSeeds(bounded(t), web.Client(), web.URL)
	web.Close() // waits for the handler
	if err != nil || len(found) == 0 || len(found) > maxSeeds {
		t.Errorf("%d seeds, %v", len(found), err)
	}
	if written > 10*maxSeedsBody {
		t.Errorf("%d bytes were sent", written)
	}
	var sampled seeds
	for i := range 10 * maxSeeds {
		sampled.sample(peer.AddrInfo{ID: peer.ID(fmt.Sprint(i))})
	}
	if len(sampled.peers) != maxSeeds || sampled.seen != 10*maxSeeds {
		t.Errorf("%d of %d are kept", len(sampled.peers), sampled.seen)
	}
}

func TestHTTPSeedsRefuses(t *testing.T) {
	for _, url := range []string{"", "example.org", "ftp://example.org", "file:///etc/passwd", "http://", "http://%zz", "//example.org"} {
		if seeds, err := HTTPSeeds(bounded(t), nil, url); err == nil {
			t.Errorf("%q gives %v", url, seeds)
		}
	}
	status := http.StatusServiceUnavailable
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status) }))
	defer web.Close()
	if _, err := HTTPSeeds(bounded(t), nil, strings.Replace(web.URL, "http://", "http://user:secret@", 1)); err == nil || !strings.Contains(err.Error(), "503") || strings.Contains(err.Error(), "secret") {
		t.Errorf("from a server that is closed: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := HTTPSeeds(ctx, nil, web.URL); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context: %v", err)
	}
}

// FuzzSeeds reads anything as a server's list.
func FuzzSeeds(f *testing.F) {
	f.Add([]byte(`{"addrs":["/ip4/192.0.2.2/tcp/4001/p2p/` + otherID + `"],"peers":[{"addrs":["/ip4/192.0.2.1/tcp/4001/p2p/` + seedID + `"],"online":true}]}`))
	f.Add([]byte(`{"x":[1,{}],"peers":[{"addrs":[]}]}`))
	f.Add([]byte(`{"peers":[{"addrs":["/ip4/19`))
	f.Fuzz(func(t *testing.T, in []byte) {
		seeds, _ := readSeeds(strings.NewReader(string(in)), true)
		if len(seeds) > maxSeeds+1 {
			t.Fatal(len(seeds))
		}
		for _, s := range seeds {
			if s.ID == "" || len(s.Addrs) == 0 || len(s.Addrs) > maxAddrs {
				t.Fatalf("%v", s)
			}
		}
	})
}
