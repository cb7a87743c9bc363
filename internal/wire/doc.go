// Package wire is what Grapevine's peers say to each other, byte for byte.
//
// Every protocol is a sequence of frames on one libp2p stream:
//
//	+------------------+----------------------------+
//	| length (uvarint) | length bytes of protobuf   |
//	+------------------+----------------------------+
//
// The length is checked against the protocol's limit before anything is
// allocated. Unknown protobuf fields are ignored, and so is an unknown message; an
// unknown major version has another protocol ID and is never negotiated.
//
// An overlay link runs as follows, each line one [Message]:
//
//	dialler                            listener
//	   | ---- Hello{network,record} ---> |
//	   | <--- Hello{network,record} ---- |   (or Refusal, then close)
//	   | ---- Join ----------------->    |
//	   | <--- NeighbourReply --------    |
//	   | <--- Query, Hit, Summary, Ping ... both ways, any order --->
//	   | ---- Disconnect ----------->    |
//
// The .proto files in pb are normative; the structs of this package are their
// plain counterparts, so that the overlay's core holds no generated type.
package wire
