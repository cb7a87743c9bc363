package p2p_test

import (
	"context"
	"fmt"
	"log"

	"github.com/grapevine-p2p/grapevine/p2p"
)

// Two nodes form an overlay; one finds what the other shares.
func Example() {
	ctx := context.Background()
	loopback := p2p.WithListenAddrs("/ip4/127.0.0.1/tcp/0")
	bob, err := p2p.New(loopback)
	if err != nil {
		log.Fatal(err)
	}
	defer bob.Close()
	defer bob.Share(p2p.Items{{Key: "zip-1", Name: "Holiday photos 2026.zip", Size: 4096}})()

	alice, err := p2p.New(loopback)
	if err != nil {
		log.Fatal(err)
	}
	defer alice.Close()
	if _, err := alice.Join(ctx, bob.AddrInfo()); err != nil {
		log.Fatal(err)
	}
	for hit, err := range alice.Query(ctx, p2p.Query{Words: []string{"photos", "holiday"}, Max: 1}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(hit.Item.Name, hit.Item.Size, hit.Hops, hit.From.ID == bob.ID())
	}
	// Output: Holiday photos 2026.zip 4096 1 true
}

// A service is a net.Listener at one node and a net.Conn at another.
func ExampleNode_Listen() {
	ctx := context.Background()
	loopback := p2p.WithListenAddrs("/ip4/127.0.0.1/tcp/0")
	bob, err := p2p.New(loopback)
	if err != nil {
		log.Fatal(err)
	}
	defer bob.Close()
	listener, err := bob.Listen("greeting")
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			fmt.Fprintln(conn, "hello")
			conn.Close()
		}
	}()

	alice, err := p2p.New(loopback)
	if err != nil {
		log.Fatal(err)
	}
	defer alice.Close()
	if _, err := alice.Join(ctx, bob.AddrInfo()); err != nil {
		log.Fatal(err)
	}
	conn, err := alice.Dial(ctx, bob.ID(), "greeting")
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	var word string
	fmt.Fscanln(conn, &word)
	fmt.Println(word)
	// Output: hello
}
