package bootstrap_test

import (
	"context"
	"fmt"
	"log"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/bootstrap"
)

func newHost() host.Host {
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
	if err != nil {
		log.Fatal(err)
	}
	return h
}

// A server, a peer that takes a name, and another that finds it.
func Example() {
	ctx := context.Background()
	server := &bootstrap.Server{Host: newHost()}
	if err := server.Start(ctx); err != nil {
		log.Fatal(err)
	}
	defer server.Host.Close()
	defer server.Close()
	address := peer.AddrInfo{ID: server.Host.ID(), Addrs: server.Host.Addrs()}

	hostA, hostB := newHost(), newHost()
	defer hostA.Close()
	defer hostB.Close()
	alice, err := bootstrap.NewClient(hostA, address)
	if err != nil {
		log.Fatal(err)
	}
	defer alice.Close()
	bob, err := bootstrap.NewClient(hostB, address)
	if err != nil {
		log.Fatal(err)
	}
	defer bob.Close()

	if _, err := alice.Register(ctx, "alice"); err != nil {
		log.Fatal(err)
	}
	where, err := bob.Resolve(ctx, "Alice")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("found her:", where.ID == hostA.ID())
	_, err = bob.Register(ctx, "ALICE")
	fmt.Println("taken:", err != nil)
	// Output:
	// found her: true
	// taken: true
}
