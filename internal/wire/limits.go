package wire

// Limits on what is accepted from the network. Each is checked before the
// memory it bounds is allocated.
const (
	// MaxControlFrame bounds a frame of the overlay, service and directory
	// protocols: gtk-gnutella drops a link at hits over 64 KiB.
	MaxControlFrame = 64 << 10
	// MaxDataFrame bounds a frame that carries a piece of a blob: 1 MiB of
	// data and room for its header and proof.
	MaxDataFrame = 1<<20 + 64<<10

	// MaxFields bounds the fields of an overlay message, and of the envelope around
	// it: a query, the one with most, has 13, and newer versions may add some.
	MaxFields = 64

	// MaxNetworkName and MaxAgent bound the strings of a hello.
	MaxNetworkName = 64
	MaxAgent       = 64
	// MaxPeerID: an Ed25519 peer ID is 38 bytes, a hashed RSA one 34.
	MaxPeerID = 64
	// MaxRecord bounds a signed peer record: some 40 addresses.
	MaxRecord = 4 << 10
	// MaxContacts is the number of contacts in one exchange (10, as in a Gnutella pong).
	MaxContacts = 10
	// MaxServiceName bounds the name of a service.
	MaxServiceName = 64
	// MaxReason bounds the words of a refusal.
	MaxReason = 256

	// MaxKey bounds an item's exact key: a 32-byte hash and a prefix fit.
	MaxKey = 64
	// MaxWords and MaxWord bound a query's words; with them a query stays under
	// the 256 bytes above which Gnutella servents do not forward (8 x 24 + 64).
	MaxWords = 8
	MaxWord  = 64
	// MaxQuery is the encoded size of a query; larger ones cost the link.
	MaxQuery = 1 << 10
	// MaxItemName and MaxItemData bound an item of a hit.
	MaxItemName = 255
	MaxItemData = 1 << 10
	// MaxItems and MaxHit bound one hit: 10 results or 4 KiB of them, and the
	// holder's record.
	MaxItems = 10
	MaxHit   = 4<<10 + MaxRecord
	// MaxWanted bounds the number of results a query may ask for.
	MaxWanted = 200
)
