package chat

import "time"

// MaxText is the length of a message in bytes: some four pages.
const MaxText = 16 << 10

// MaxName is the length of a name in characters: what the directory grants, and the
// node announces.
const MaxName = 64

const (
	// maxNameBytes: MaxName characters of at most 4 bytes.
	maxNameBytes = 4 * MaxName
	// maxFrame bounds a frame: a text of the greatest length and its numbers.
	maxFrame = MaxText + 256
	// maxReason bounds the words of a refusal.
	maxReason = 256
	// maxSeq leaves the top of the numbers free, so that nothing overflows.
	maxSeq = 1 << 62

	// maxConversations bounds what one service keeps open: each has a file open.
	maxConversations = 256
	// maxHolders is the number of peers of one name that a query asks for.
	maxHolders = 8
	// maxHostAddrs is the number of a host name's addresses that are tried.
	maxHostAddrs = 4
	// quicGrace is how long QUIC may take at a port that refused TCP: nobody says that
	// nothing listens there.
	quicGrace = time.Second
	// maxContacts and maxContactsFile bound the names whose keys are kept.
	maxContacts     = 4096
	maxContactsFile = 1 << 20
	// maxHandshakes bounds the streams that have been opened by others and are not
	// in use yet.
	maxHandshakes = 64
	// handshakeRate and handshakeBurst bound how often one peer opens a stream: a
	// reconnecting one needs a few. maxRated is the number of peers remembered.
	handshakeRate  = 1
	handshakeBurst = 20
	maxRated       = 1024

	// textRate and textBurst bound the texts of one peer: far above what anybody
	// types, and a pasted file is still taken quickly. More are read later.
	textRate  = 100
	textBurst = 500
	// signRate and signBurst bound the pings and repeated acknowledgements on one
	// stream: an honest peer sends a ping in some seconds. More are read later.
	signRate  = 20
	signBurst = 100
	// keepQueue is the number of texts that wait for the disk; then no more are
	// read from the stream.
	keepQueue = 64
	// maxUnacknowledged bounds what waits in memory for a peer: 16 MiB at most.
	maxUnacknowledged = 1024
	// maxUnread is the number of messages kept for a reader of Messages that is
	// slow or not there.
	maxUnread = 1024
	// eventQueue is the number of events that may wait for one reader: twice the
	// texts that one peer may send at once.
	eventQueue = 2 * textBurst
)

// timing is how long a service waits. Tests shorten it.
type timing struct {
	handshake time.Duration // for the other side's part of opening a stream
	ping      time.Duration // between signs of life
	idle      time.Duration // silence after which a peer counts as lost: three pings
	write     time.Duration // for one write: a slow disk or line at the other side
	bye       time.Duration // for the goodbye of a closing conversation
	firstTry  time.Duration // before the first attempt to reconnect
	lastTry   time.Duration // the greatest wait between attempts
	giveUp    time.Duration // after which no more attempts are made
	query     time.Duration // for a query for a person
}

func defaultTiming() timing {
	return timing{
		handshake: 10 * time.Second,
		ping:      5 * time.Second,
		idle:      15 * time.Second,
		write:     20 * time.Second,
		bye:       2 * time.Second,
		firstTry:  500 * time.Millisecond,
		lastTry:   30 * time.Second,
		giveUp:    10 * time.Minute,
		query:     3 * time.Second,
	}
}
