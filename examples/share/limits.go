package main

import "time"

// Limits of what is shared.
const (
	// maxFiles bounds the files of a folder: each takes some 500 bytes of memory.
	maxFiles = 100_000
	// maxFile bounds a file; its tree takes 1/256 of it in the data folder.
	maxFile = 64 << 30
	// maxTrees bounds all trees in the data folder: those of 2 TiB of files.
	maxTrees = 8 << 30
	// maxDepth bounds the folders within folders.
	maxDepth = 64
	// maxCache bounds the cache of hashes that is read: maxFiles with long paths.
	maxCache = 256 << 20
	// maxName bounds an item's name, as a hit's does.
	maxName = 255
	// maxAnswers bounds what one query is answered with, as p2p does.
	maxAnswers = 64

	// scanTime is how often the folder is looked at, and scanShare how many times as
	// long as the last look took the next one waits at least: a large folder costs
	// a twentieth of one core.
	scanTime  = 2 * time.Second
	scanShare = 20
	// settleTime is for how long a file must not have changed to be hashed: one that
	// is being copied is not hashed again and again.
	settleTime = 2 * time.Second
	// publishTime is how often files become known while others are hashed.
	publishTime = 2 * time.Second
)

// Limits of the service.
const (
	// maxRange bounds the bytes of one request: what is held in memory for it, and what
	// is lost when a holder goes away.
	maxRange = 1 << 20
	// maxUploads bounds the requests answered at once, 1 MiB of memory each, and
	// maxUploadsEach those of one peer: a downloader has two under way.
	maxUploads     = 32
	maxUploadsEach = 4
	// maxConns and maxConnsEach bound the open conns, idle ones included.
	maxConns     = 256
	maxConnsEach = 8
	// maxHeader bounds the header of a request or an answer.
	maxHeader = 8 << 10
	// headerTime bounds a request's arrival: it has no body.
	headerTime = 10 * time.Second
	// answerTime bounds the sending of an answer: 1 MiB at 9 KB/s.
	answerTime = 2 * time.Minute
	// idleTime ends a conn without a request.
	idleTime = time.Minute
	// shutdownTime is what answers under way get when the program ends.
	shutdownTime = 5 * time.Second
)

// Limits of a download.
const (
	// maxHolders bounds the holders used at once.
	maxHolders = 16
	// holderRanges is the number of ranges asked of a holder at once: the next is on
	// its way while one is verified.
	holderRanges = 2
	// maxSlice bounds an answer: a range with the nodes of its tree, 64 bytes for each
	// 16 KiB, those on the path to the root, and the groups at both ends.
	maxSlice = maxRange + maxRange/256 + 64*64 + 2*groupSize
	// maxBusy is how often in a row a holder may say that it is busy, and busyTime
	// how long it is left alone then.
	maxBusy  = 20
	busyTime = time.Second
	// maxFaults is how often a holder may fail without lying.
	maxFaults = 3
	// nameTime is how long others may tell what a content is called, of which the ID is
	// known, once one holder has.
	nameTime = time.Second
	// maxRounds bounds the searches for holders that bring not one byte.
	maxRounds = 3
	// saveRanges is the number of ranges after which what has come is made durable:
	// what a crash costs at most.
	saveRanges = 16
	// maxState bounds the state of a download: two hexadecimal digits for 8 MiB.
	maxState = 64 << 10
	// maxOwnName bounds the name that a download is given, in bytes: with what is
	// put behind it while it is not whole, a file system takes it.
	maxOwnName = 200
	// maxFound bounds the hits of a search.
	maxFound = 200
)

// Limits of groups.
const (
	// maxGroupFile bounds the file of a group's key.
	maxGroupFile = 1 << 10
)
