// Package chat lets two people talk directly: text messages on one stream between
// their peers, in order, acknowledged when they are durable at the other side, and
// shown exactly once.
//
//	service, err := chat.New(node, folder, chat.WithName("alice"), chat.WithResolver(directory))
//	bob, err := service.Open(ctx, "bob") // or a peer ID, a multiaddr, host:port
//	out, err := bob.Send(ctx, "hello")
//	err = out.Wait(ctx, chat.Delivered)
//	for message, err := range bob.Messages(ctx) { ... }
//	for event, err := range service.Events(ctx) { ... } // who opened a conversation with us
//
// Close the service before its node.
//
// A message is in the history of its sender before Send returns, and in that of its
// receiver before it is acknowledged. When a peer is lost, what it has not
// acknowledged is reported with [ErrDisconnected], kept, and sent again in order as
// soon as the two are connected again; the service tries that by itself for a while.
// What was not acknowledged when the service closed stays in the history, and is sent
// when the two are connected the next time.
//
// Names are hints. The first time that a name is opened, the key that answers is
// kept in the contacts file, and another key under the same name needs a person's
// yes ([Service.Trust]).
//
// find.go turns what a person types into a peer, handshake.go makes one stream of
// two attempts, session.go is a stream in use, history.go what is kept of it.
package chat
