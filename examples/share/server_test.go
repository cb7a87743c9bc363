package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
)

// peerID is one that nobody else has.
func peerID(t *testing.T) peer.ID {
	t.Helper()
	_, public, err := crypto.GenerateEd25519Key(nil)
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func peerInfo(id peer.ID) peer.AddrInfo { return peer.AddrInfo{ID: id} }

// ask asks a handler as a peer.
func ask(h http.Handler, from peer.ID, method, target string, header ...string) *http.Response {
	r := httptest.NewRequest(method, target, nil)
	r.RemoteAddr = from.String() + "/" + service
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestServer(t *testing.T) {
	folder := t.TempDir()
	data := noise(3<<20, "data")
	write(t, filepath.Join(folder, "a.bin"), data)
	write(t, filepath.Join(folder, "empty"), nil)
	write(t, filepath.Join(folder, "small"), []byte("hello"))
	l := newLibrary(t, folder, nil, peerID(t))
	files := l.current.Load().files
	big, empty, small := files[0].id.String(), files[1].id.String(), files[2].id.String()
	asker, h := peerID(t), newServer(l).handler()
	for _, c := range []struct {
		method, target, wanted string
		status                 int
		body                   []byte // if it is to be checked
	}{
		{"GET", "/files/" + small, "", 200, []byte("hello")},
		{"GET", "/files/" + empty, "", 200, []byte{}},
		{"HEAD", "/files/" + small, "", 200, []byte{}},
		{"GET", "/files/" + small, "bytes=1-2", 206, []byte("el")},
		{"GET", "/files/" + small, "bytes=1-", 206, []byte("ello")},
		{"GET", "/files/" + small, "bytes=1-999999999999", 206, []byte("ello")},
		{"GET", "/files/" + big, "bytes=10-", 206, data[10 : 10+maxRange]},
		{"GET", "/files/" + big, "", 416, nil},
		{"GET", "/files/" + big, "bytes=0-1,2-3", 416, nil},
		{"GET", "/files/" + big, "bytes=-5", 416, nil},
		{"GET", "/files/" + big, "bytes=5-4", 416, nil},
		{"GET", "/files/" + big, "bytes=99999999-", 416, nil},
		{"GET", "/files/" + big, "lines=1-2", 416, nil},
		{"GET", "/files/" + big, "bytes=99999999999999999999-", 416, nil},
		{"GET", "/files/" + strings.Repeat("0", 64), "", 404, nil},
		{"GET", "/files/a.bin", "", 400, nil},
		{"GET", "/files/..%2f..%2fetc%2fpasswd", "", 400, nil},
		{"GET", "/files/", "", 404, nil},
		{"GET", "/", "", 404, nil},
		{"GET", "/files/" + small + "/x", "", 404, nil},
		{"POST", "/files/" + small, "", 405, nil},
		{"DELETE", "/slices/" + small, "", 405, nil},
		{"GET", "/slices/" + small, "", 400, nil},
		{"GET", "/slices/" + small + "?offset=0&length=0", "", 400, nil},
		{"GET", "/slices/" + small + "?offset=-1&length=1", "", 400, nil},
		{"GET", "/slices/" + small + "?offset=x&length=1", "", 400, nil},
		{"GET", "/slices/" + small + "?offset=0&length=6", "", 416, nil},
		{"GET", "/slices/" + small + "?offset=9223372036854775807&length=5", "", 416, nil},
		{"GET", "/slices/" + empty + "?offset=0&length=1", "", 416, nil},
		{"GET", fmt.Sprintf("/slices/%s?offset=0&length=%d", big, maxRange+1), "", 400, nil},
		{"GET", fmt.Sprintf("/slices/%s?offset=0&length=%d", big, maxRange), "", 200, nil},
	} {
		var header []string
		if c.wanted != "" {
			header = []string{"Range", c.wanted}
		}
		answer := ask(h, asker, c.method, c.target, header...)
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != c.status || c.body != nil && !bytes.Equal(body, c.body) {
			t.Errorf("%s %s %s: %s, %.40q, %v; want %d", c.method, c.target, c.wanted, answer.Status, body, err, c.status)
		}
		if len(body) > maxSlice {
			t.Errorf("%s: %d bytes", c.target, len(body))
		}
	}
	write(t, filepath.Join(folder, "small"), []byte("changed"))
	for _, target := range []string{"/files/" + small, "/slices/" + small + "?offset=0&length=5"} {
		if answer := ask(h, asker, "GET", target); answer.StatusCode != http.StatusGone {
			t.Errorf("a file that changed: %s: %s", target, answer.Status)
		}
	}
	if answer := ask(h, "", "GET", "/files/"+small); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a conn of nobody: %s", answer.Status)
	}
}

func TestThrottle(t *testing.T) {
	th := newThrottle(3, 2)
	for i, c := range []struct {
		peer string
		ok   bool
	}{{"a", true}, {"a", true}, {"a", false}, {"b", true}, {"c", false}} {
		if th.enter(c.peer) != c.ok {
			t.Errorf("%d: %s", i, c.peer)
		}
	}
	th.leave("a")
	if !th.enter("c") || th.enter("a") {
		t.Error("after one left")
	}
	for _, p := range []string{"a", "b", "c"} {
		th.leave(p)
	}
	if th.count != 0 || len(th.of) != 0 {
		t.Errorf("%+v", th)
	}
}

// A holder that is busy says so, and one peer cannot take all of its places.
func TestBusy(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "a"), []byte("hello"))
	l := newLibrary(t, folder, nil, peerID(t))
	s := newServer(l)
	greedy, other := peerID(t), peerID(t)
	for range maxUploadsEach {
		if !s.uploads.enter(string(greedy)) {
			t.Fatal("full at once")
		}
	}
	target := "/files/" + l.current.Load().files[0].id.String()
	if a := ask(s.handler(), greedy, "GET", target); a.StatusCode != 503 || a.Header.Get("Retry-After") == "" {
		t.Errorf("the greedy one: %s, %v", a.Status, a.Header)
	}
	if a := ask(s.handler(), other, "GET", target); a.StatusCode != 200 {
		t.Errorf("the other one: %s", a.Status)
	}
}

// What an asker reads is bounded in time and size.
func TestReadingIsBounded(t *testing.T) {
	quiet := newHappening()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/silent":
			<-quiet.c
		case "/stalls":
			_, _ = w.Write([]byte("x"))
			w.(http.Flusher).Flush()
			<-quiet.c
		case "/endless":
			for block := make([]byte, 1<<20); ; {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		case "/drips":
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte("x"))
				w.(http.Flusher).Flush()
			}
		case "/busy":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/elsewhere":
			http.Redirect(w, r, "/busy", http.StatusFound)
		case "/fat":
			w.Header().Set("X", strings.Repeat("x", 1<<20))
		}
	}))
	defer web.Close()
	defer quiet.happen()
	client := &http.Client{
		Transport:     &http.Transport{MaxResponseHeaderBytes: maxHeader},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	for _, c := range []struct {
		path string
		wait patience
		want error // nil: any
	}{
		{"/silent", patience{50 * time.Millisecond, generously}, errStalled},
		{"/stalls", patience{50 * time.Millisecond, generously}, errStalled},
		{"/drips", patience{generously, 50 * time.Millisecond}, errSlow},
		{"/endless", patience{generously, generously}, errDamaged},
		{"/busy", patience{generously, generously}, errBusy},
		{"/elsewhere", patience{generously, generously}, nil},
		{"/fat", patience{generously, generously}, nil},
	} {
		body, err := get(t.Context(), client, web.URL+c.path, "", c.wait)
		// What drips quickly may be too much before it is too slow.
		if err == nil || c.want != nil && !errors.Is(err, c.want) && !(c.path == "/drips" && errors.Is(err, errDamaged)) {
			t.Errorf("%s: %d bytes, %v; want %v", c.path, len(body), err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := get(ctx, client, web.URL+"/silent", "", ordinary()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
