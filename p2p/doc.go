// Package p2p is a node of a Grapevine overlay: it keeps a few neighbours, asks
// them for things by queries, answers theirs, and opens plain net.Conns to any peer it
// has found.
//
//	node, err := p2p.New(p2p.WithDataDir(folder))
//	reached, err := node.Join(ctx, seeds...)
//	stop := node.Share(p2p.Items{{Key: "id", Name: "holiday photos 2026.zip"}})
//	for hit, err := range node.Query(ctx, p2p.Query{Words: []string{"holiday"}}) { ... }
//	listener, err := node.Listen("files")       // any net.Listener-based server
//	conn, err := node.Dial(ctx, peer, "files")  // and its clients
//
// The protocol itself is the pure state machine of internal/overlay. This package
// drives it: driver.go feeds it events and carries its effects out, link.go is
// one neighbour's stream, contact.go proves who a contact is. Programs put their
// services on one node; they close the services first and the node last.
package p2p
