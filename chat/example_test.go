package chat_test

import (
	"context"
	"fmt"
	"log"

	"github.com/grapevine-p2p/grapevine/chat"
	"github.com/grapevine-p2p/grapevine/p2p"
)

// Two peers on one machine; bob answers whoever talks to him.
func Example() {
	ctx := context.Background()
	start := func(name string) (*p2p.Node, *chat.Service) {
		node, err := p2p.New(p2p.WithListenAddrs("/ip4/127.0.0.1/tcp/0"))
		if err != nil {
			log.Fatal(err)
		}
		service, err := chat.New(node, "", chat.WithName(name)) // "": nothing is kept
		if err != nil {
			log.Fatal(err)
		}
		return node, service
	}
	aliceNode, alice := start("alice")
	defer aliceNode.Close()
	defer alice.Close()
	bobNode, bob := start("bob")
	defer bobNode.Close()
	defer bob.Close()

	events := bob.Events(ctx)
	go func() {
		for event, err := range events {
			if err == nil && event.Kind == chat.Received {
				_, _ = event.Conversation.Send(ctx, "hello, "+event.Conversation.Name())
			}
		}
	}()

	address := bobNode.AddrInfo().Addrs[0].String() + "/p2p/" + bobNode.ID().String()
	conversation, err := alice.Open(ctx, address) // or a name, or host:port
	if err != nil {
		log.Fatal(err)
	}
	out, err := conversation.Send(ctx, "anybody there?")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(out.Wait(ctx, chat.Delivered))
	for message, err := range conversation.Messages(ctx) {
		fmt.Println(message.Text, err)
		break
	}
	// Output:
	// <nil>
	// hello, alice <nil>
}
