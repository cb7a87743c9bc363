// Package rendezvous speaks libp2p's /rendezvous/1.0.0: peers register in namespaces
// at a server and find each other there. A client of another libp2p implementation
// finds here what its specification promises (libp2p/specs, rendezvous).
//
// On one stream requests follow each other, each a frame: its length as an unsigned
// varint and a RendezvousMessage.
//
//	client                                          server
//	   | -- REGISTER{ns, signedPeerRecord, ttl} ----> |
//	   | <- REGISTER_RESPONSE{status, ttl} ---------- |
//	   | -- UNREGISTER{ns} -------------------------> |  (no answer)
//	   | -- DISCOVER{ns, limit, cookie} ------------> |
//	   | <- DISCOVER_RESPONSE{registrations, cookie}  |
//
// A [Table] is the registrations as a pure function of calls and times, a [Service]
// the server around it, a [Client] the other side.
package rendezvous
