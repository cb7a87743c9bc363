// Package bootstrap is the directory through which peers find each other: who is
// online, which names they have, and contacts to enter the overlay with.
//
// A [Server] runs on any libp2p host. A [Client] speaks with several servers and
// works while any of them does:
//
//	client, err := bootstrap.NewClient(host, servers...)
//	lease, err := client.Register(ctx, "alice") // renews itself until released
//	bob, err := client.Resolve(ctx, "bob")      // where to reach him
//	seeds, err := client.Peers(ctx)             // for p2p.Node.Join
//
// What a server keeps is a lease on a record that its owner signed. A server can
// omit a record and never forge one: clients verify the signature, the network and
// the expiry of what they are handed. Which of two keys has a name is the servers'
// word, so a client asks all its servers and says so when they disagree.
//
// The servers of a federation grant names as one, by a majority (package
// internal/federation; naming.go): a name never has two holders, and without a
// majority none is granted. Who is online they tell each other, and each alone would
// do. One server is a federation of one; [Server.AddServer] makes it grow.
//
// The heart is a table of leases that is a pure function of requests and time
// (table.go). Around it stand one writer that makes grants durable before they are
// acknowledged (writer.go), a story made of what all servers have (story.go,
// follow.go), a journal of changes that watchers read in turn (journal.go, turns.go)
// and the streams (serve.go, watchers.go).
//
// [Server.Handler] shows a directory live in a browser. A server speaks libp2p's
// rendezvous protocol too, and a [Client] is a discovery.Discovery by it.
//
// Everything exported is safe for concurrent use unless it says otherwise.
package bootstrap
