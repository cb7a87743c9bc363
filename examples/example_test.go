package examples_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/bootstrap"
	"github.com/grapevine-p2p/grapevine/p2p"
)

// program is the code of the README. The reader has a folder and the addresses of
// some servers.
func program(ctx context.Context, folder string, servers ...peer.AddrInfo) error {
	// README begins
	node, err := p2p.New(p2p.WithDataDir(folder), p2p.WithListenAddrs("/ip4/127.0.0.1/tcp/0"))
	if err != nil {
		return err
	}
	defer node.Close()
	directory, err := bootstrap.NewClient(node.Host(), servers...) // any of them may be down
	if err != nil {
		return err
	}
	defer directory.Close()
	if _, err := directory.Register(ctx, "alice"); err != nil { // renews itself
		return err
	}
	seeds, err := directory.Peers(ctx)
	if err != nil {
		return err
	}
	if _, err := node.Join(ctx, seeds...); err != nil {
		return err
	}
	defer node.Share(p2p.Items{{Key: "tape-1", Name: "garden party 2026.ogg", Size: 31337}})()
	for hit, err := range node.Query(ctx, p2p.Query{Words: []string{"holiday", "photos"}, Max: 1}) {
		if err != nil {
			return err
		}
		fmt.Printf("%q, %d bytes, %d link away\n", hit.Item.Name, hit.Item.Size, hit.Hops)
	}
	return nil
	// README ends
}

// Example runs that program against a bootstrap server and one other peer.
func Example() {
	ctx := context.Background()
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
	if err != nil {
		log.Fatal(err)
	}
	defer h.Close()
	server := &bootstrap.Server{Host: h}
	if err := server.Start(ctx); err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	leave, err := other(ctx, h)
	if err != nil {
		log.Fatal(err)
	}
	defer leave()
	folder, err := os.MkdirTemp("", "grapevine-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	if err := program(ctx, folder, peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()}); err != nil {
		log.Fatal(err)
	}
	// Output: "holiday photos 2026.zip", 4096 bytes, 1 link away
}

// other is a peer that is there already, with photos to share.
func other(ctx context.Context, server host.Host) (leave func(), err error) {
	bob, err := p2p.New(p2p.WithListenAddrs("/ip4/127.0.0.1/tcp/0"))
	if err != nil {
		return nil, err
	}
	directory, err := bootstrap.NewClient(bob.Host(), peer.AddrInfo{ID: server.ID(), Addrs: server.Addrs()})
	if err != nil {
		return nil, err
	}
	if _, err := directory.Register(ctx, "bob"); err != nil {
		return nil, err
	}
	bob.Share(p2p.Items{{Key: "zip-1", Name: "holiday photos 2026.zip", Size: 4096}})
	return func() { _, _ = directory.Close(), bob.Close() }, nil
}

// TestREADMEShowsTheProgram: what the README shows is what the Example runs.
func TestREADMEShowsTheProgram(t *testing.T) {
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(source), "	// README begins\n")
	code, _, _ = strings.Cut(code, "	// README ends\n")
	var want strings.Builder
	for line := range strings.Lines(code) {
		want.WriteString(strings.TrimPrefix(line, "\t"))
	}
	if !strings.Contains(string(readme), "```go\n"+want.String()+"```\n") {
		t.Errorf("README.md does not show, word for word:\n%s", want.String())
	}
}
