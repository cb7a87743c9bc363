// Bootstrap runs a bootstrap server: the directory through which peers find each
// other, and the names that they have. Several of them grant names as one.
//
//	bootstrap                            run a server
//	bootstrap serve --federation ADDR    run one that the servers at ADDR admit
//	bootstrap federation status          who they are, who leads, who is behind
//	bootstrap federation add ADDR        admit the server at ADDR
//	bootstrap federation remove PEER-ID  and take one out
//
// The first line on standard output of a server is its full multiaddr and nothing
// else, also with --json, so that it can be pasted, or piped, to the --bootstrap of
// the other programs. The lines after it tell who connects, registers and leaves.
//
// The commands speak with the running server through a socket in its data folder,
// which only the folder's owner can open (socket.go).
package main

import (
	"github.com/grapevine-p2p/grapevine/examples/internal/program"
)

type cli struct {
	program.Base
	Serve      serveCmd      `cmd:"" default:"withargs" help:"Run a server, which is also what happens without a command: its first line is its address, for the --bootstrap of other programs."`
	Federation federationCmd `cmd:"" help:"See and change which servers grant names together. It speaks with the running server of a data folder."`
}

func main() {
	program.Main("bootstrap", "Run a bootstrap server: peers register here and find each other.", &cli{})
}

// serverFolder is the data folder if nobody said otherwise, so that a peer of the same
// user runs beside the server.
const serverFolder = "-bootstrap"
