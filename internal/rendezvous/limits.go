package rendezvous

import "time"

// Bounds that the specification sets.
const (
	// MaxNamespace is the length of a namespace in bytes.
	MaxNamespace = 255
	// DefaultTTL is how long a registration lives that does not say.
	DefaultTTL = 2 * time.Hour
	// MaxTTL is the longest that one may say.
	MaxTTL = 72 * time.Hour
	// MaxResults is the number of registrations in an answer.
	MaxResults = 1000
)

// Limits bound what a server takes on. A field that is zero means its default. When
// a limit is reached new registrations are refused; live ones are never evicted.
type Limits struct {
	// RegistrationsPeer is the number of registrations of one peer: 1,000 by
	// default, as in the specification.
	RegistrationsPeer int
	// RegistrationsAll is the number of live registrations: 100,000 by default.
	RegistrationsAll int
	// Memory is some bytes for all of them: 64 MiB by default.
	Memory int
	// OpenStreams is the number of streams: 2,048 by default.
	OpenStreams int
	// StreamsOfPeer is that of one peer: 4 by default; clients use one at a time.
	StreamsOfPeer int
}

func (l Limits) withDefaults() Limits {
	set := func(field *int, value int) {
		if *field == 0 {
			*field = value
		}
	}
	set(&l.RegistrationsPeer, 1000)
	set(&l.RegistrationsAll, 100_000)
	set(&l.Memory, 64<<20)
	set(&l.OpenStreams, 2048)
	set(&l.StreamsOfPeer, 4)
	return l
}

// Bounds on what is read and written.
const (
	// maxRecord bounds a signed peer record: some forty addresses and the longest
	// key and signature.
	maxRecord = 8 << 10
	// maxRequest bounds a request's frame: a record, a namespace and room.
	maxRequest = 10 << 10
	// maxResponse bounds an answer's frame, as other implementations do.
	maxResponse = 1 << 20
	// longAnswer and shortAnswer are where the registrations of an answer end,
	// whichever number was asked for; the cookie leads on. Answers are long while
	// fewer than longAnswers are on their way, then short: slow readers cost
	// longAnswers of the one and a stream each of the other.
	longAnswer  = maxResponse - maxRecord - 1024
	shortAnswer = 16 << 10
	longAnswers = 32
	// maxCookie bounds another server's cookie, which a client keeps.
	maxCookie = 1 << 10
	// maxText bounds the words of a refusal.
	maxText = 256
)

// What registrations cost in memory, besides namespaces and records: measured, and
// rounded up.
const (
	costRegistration = 512
	costPeer         = 512
)

// Bounds on time.
const (
	// openTimeout bounds opening a stream.
	openTimeout = 5 * time.Second
	// frameTimeout bounds reading or writing one frame.
	frameTimeout = 10 * time.Second
	// quietTimeout bounds the silence between requests.
	quietTimeout = time.Minute
	// goodbyeTimeout bounds the wait for a server to read what it does not answer.
	goodbyeTimeout = time.Second
	// maxPause bounds for how long a stream that asks too often is not read.
	maxPause = time.Second
)
