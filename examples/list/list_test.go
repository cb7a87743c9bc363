package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/rpc"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/examples/internal/programtest"
)

func newList(t *testing.T, folder string) *DBList {
	t.Helper()
	l, err := openList(folder, "groceries", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// Limits are checked where the calls come in, and what is refused changes nothing.
func TestAppendBounds(t *testing.T) {
	l := newList(t, t.TempDir())
	largest := strings.Repeat("x", maxItem)
	var length int
	for name, items := range map[string][]string{
		"none":      {},
		"many":      slices.Repeat([]string{"x"}, maxAppend+1),
		"empty":     {"x", ""},
		"long":      {"x", largest + "x"},
		"not UTF-8": {"x", "\xff"},
	} {
		if err := l.Append(items, &length); err == nil || len(l.items) != 0 {
			t.Errorf("%s: %v, %d items", name, err, len(l.items))
		}
	}
	for len(l.items) < maxItems {
		if err := l.Append(slices.Repeat([]string{largest}, min(maxAppend, maxItems-len(l.items))), &length); err != nil || length != len(l.items) {
			t.Fatalf("%d, %v", length, err)
		}
	}
	if err := l.Append([]string{"x"}, &length); err == nil || len(l.items) != maxItems {
		t.Errorf("a list of %d items took one more", len(l.items))
	}
}

func TestConcurrentAppend(t *testing.T) {
	folder := t.TempDir()
	l := newList(t, folder)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			var length int
			var items []string
			if err := errors.Join(l.Append([]string{"a", "b"}, &length), l.Value(0, &items)); err != nil || len(items) < length {
				t.Errorf("%d of %d items, %v", len(items), length, err)
			}
		})
	}
	wg.Wait()
	want := slices.Repeat([]string{"a", "b"}, 20)
	if again := newList(t, folder); !slices.Equal(l.items, want) || !slices.Equal(again.items, want) {
		t.Errorf("%q, then %q", l.items, again.items)
	}
}

// serveLocal serves a list without peers and returns where.
func serveLocal(t *testing.T, list *DBList) net.Addr {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- serve(ctx, listener, list) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr()
}

func dial(t *testing.T, addr net.Addr) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(programtest.Patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// The greatest call and the greatest reply fit through a bounded conn.
func TestGreatestCall(t *testing.T) {
	list := newList(t, t.TempDir())
	addr := serveLocal(t, list)
	largest := slices.Repeat([]string{strings.Repeat("x", maxItem)}, maxAppend)
	for range maxItems / maxAppend {
		client := rpc.NewClient(bounded(dial(t, addr), maxReplied))
		var length int
		var items []string
		err := errors.Join(client.Call("DBList.Append", largest, &length), client.Call("DBList.Value", 0, &items), client.Close())
		if err != nil || length != len(items) {
			t.Fatalf("%d of %d items, %v", len(items), length, err)
		}
	}
}

// What is no call, or too much, costs the conn that it comes on and nothing else.
func TestHostileConn(t *testing.T) {
	list := newList(t, t.TempDir())
	addr := serveLocal(t, list)
	for name, in := range map[string][]byte{
		"no gob":       []byte("GET / HTTP/1.1\r\n\r\n"),
		"huge length":  {0xf8, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3},
		"large length": append([]byte{0xfc, 0x3f, 0xff, 0xff, 0xff}, make([]byte, maxAsked)...),
		"zeros":        make([]byte, 4*maxAsked),
		"too much":     bytes.Repeat([]byte{0x7f}, 4*maxAsked),
	} {
		conn := dial(t, addr)
		_, _ = conn.Write(in) // the server may hang up first
		if tcp, ok := conn.(*net.TCPConn); ok && len(in) < maxAsked {
			_ = tcp.CloseWrite()
		}
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
			t.Errorf("%s: the conn stays open", name)
		}
	}
	client := rpc.NewClient(dial(t, addr))
	defer client.Close()
	var failed rpc.ServerError
	if err := client.Call("DBList.Remove", 0, new(int)); !errors.As(err, &failed) {
		t.Errorf("a method that is not there: %v", err)
	}
	if err := client.Call("DBList.Append", []string{""}, new(int)); !errors.As(err, &failed) {
		t.Errorf("an empty item: %v", err)
	}
	// One conn carries so many calls, and no more.
	for calls := 0; ; calls++ {
		var items []string
		err := client.Call("DBList.Value", 0, &items)
		if err != nil && calls > 10 {
			break
		}
		if err != nil || calls > maxAsked {
			t.Fatalf("call %d: %v", calls, err)
		}
	}
	again := rpc.NewClient(dial(t, addr))
	defer again.Close()
	if err := again.Call("DBList.Append", []string{"milk"}, new(int)); err != nil {
		t.Error(err)
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
