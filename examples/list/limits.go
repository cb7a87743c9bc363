package main

import "time"

const (
	// maxItems and maxItem bound a list, and with it a reply: 256 KiB.
	maxItems = 1000
	maxItem  = 256
	// maxAppend bounds the items of one call.
	maxAppend = 64

	// maxAsked and maxReplied are the bytes that a conn carries to the server and
	// back, in any number of calls: package gob, which net/rpc speaks, bounds
	// nothing itself. The first is a call of the greatest size, the second a reply.
	maxAsked   = maxAppend*(maxItem+8) + 4<<10
	maxReplied = maxItems*(maxItem+8) + 4<<10
	// maxTime bounds the life of a conn.
	maxTime = 20 * time.Second
	// maxConns is the number of conns served at once; others wait.
	maxConns = 16
)
