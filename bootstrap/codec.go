package bootstrap

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

func peerID(b []byte) peer.ID { return peer.ID(string(b)) }

func malformed(why string) error { return fmt.Errorf("%w: %s", ErrMalformed, why) }

func full(why string) error { return fmt.Errorf("%w: %s", ErrFull, why) }

func otherNetwork(serves, asked string) error {
	return fmt.Errorf("%w: this server serves %q, not %q", ErrOtherNetwork, serves, shorten(asked))
}

// encodeEntry gives an entry's times as spans from now.
func encodeEntry(e *entry, now time.Time) *pb.DirectoryEntry {
	return &pb.DirectoryEntry{
		Record: e.claim.envelope(),
		Online: e.online, Unconfirmed: e.unconfirmed, Detached: e.detached,
		AgeMs:  uint64(max(0, momentOf(now).since(e.since)).Milliseconds()),
		LeftMs: uint64(max(0, e.expires.since(momentOf(now))).Milliseconds()),
	}
}

// encodeOwn tells a server of the federation all that is known of a registration.
func encodeOwn(e *entry, now time.Time) *pb.DirectoryEntry {
	p := encodeEntry(e, now)
	p.Self = encodeSelf(e.told())
	return p
}

// encodeChanged gives the registration after a change, or the word that ended it.
func encodeChanged(c *change, now time.Time, encode func(*entry, time.Time) *pb.DirectoryEntry) *pb.DirectoryEntry {
	e := encode(&c.entry, now)
	if c.removal != nil {
		e.Record = c.removal.envelope()
	}
	return e
}

// decodeChange verifies a change that a server tells of. That something has ended
// counts whenever its record was signed: by this clock that may be over. So is then
// what went away.
func decodeChange(ch *pb.DirectoryChange, network string, now time.Time) (change, error) {
	c, err := openClaimOf(network, ch.GetEntry().GetRecord())
	if err != nil {
		return change{}, err
	}
	kind := ChangeKind(ch.GetKind())
	switch {
	case kind == Left && c.removed:
		return change{kind: Left, entry: entry{claim: c}, removal: c}, nil
	case c.removed:
		return change{}, malformed("a record that gives its name up")
	case kind == Away && c.expired(now) != nil:
		kind = Expired
	case kind != Left && kind != Expired:
		err = c.valid(now)
	}
	return change{kind: kind, entry: reported(c, ch.GetEntry(), now)}, err
}

// decodeEntry verifies an entry that a server handed out.
func decodeEntry(e *pb.DirectoryEntry, network string, now time.Time) (entry, error) {
	c, err := openClaim(e.GetRecord(), network, now)
	if err != nil {
		return entry{}, err
	}
	if c.removed {
		return entry{}, malformed("a record that gives its name up")
	}
	return reported(c, e, now), nil
}

// reported is what a server says of a claim.
func reported(c *claim, e *pb.DirectoryEntry, now time.Time) entry {
	return entry{
		claim:   c,
		since:   momentOf(now).add(-span(e.GetAgeMs())),
		expires: momentOf(now).add(span(e.GetLeftMs())),
		online:  e.GetOnline(), unconfirmed: e.GetUnconfirmed(), detached: e.GetDetached(),
	}
}

// span reads a span of milliseconds; a hundred years are as good as more.
func span(ms uint64) time.Duration {
	const most = 100 * 365 * 24 * time.Hour
	return min(most, time.Duration(min(ms, math.MaxInt64/uint64(time.Millisecond)))*time.Millisecond)
}

// codes pairs what a server refuses with and the sentinel that says so.
var codes = [...]struct {
	code pb.DirectoryErrorCode
	err  error
}{
	{pb.DirectoryErrorCode_DIRECTORY_ERROR_OTHER_NETWORK, ErrOtherNetwork},
	{pb.DirectoryErrorCode_DIRECTORY_ERROR_UNSUPPORTED, ErrUnsupported},
	{pb.DirectoryErrorCode_DIRECTORY_ERROR_NAME_TAKEN, ErrNameTaken},
	{pb.DirectoryErrorCode_DIRECTORY_ERROR_NAME_INVALID, ErrNameInvalid},
	{pb.DirectoryErrorCode_DIRECTORY_ERROR_NOT_OWNER, ErrNotOwner},
	{pb.DirectoryErrorCode_DIRECTORY_ERROR_NOT_REGISTERED, ErrNotRegistered},
	{pb.DirectoryErrorCode_DIRECTORY_ERROR_STALE, ErrStale},
	{pb.DirectoryErrorCode_DIRECTORY_ERROR_BUSY, ErrBusy},
	{pb.DirectoryErrorCode_DIRECTORY_ERROR_FULL, ErrFull},
	{pb.DirectoryErrorCode_DIRECTORY_ERROR_STORAGE, ErrStorage},
	{pb.DirectoryErrorCode_DIRECTORY_ERROR_LAGGED, ErrLagged},
	{pb.DirectoryErrorCode_DIRECTORY_ERROR_NO_MAJORITY, ErrNoMajority},
	{pb.DirectoryErrorCode_DIRECTORY_ERROR_MALFORMED, ErrMalformed},
	{pb.DirectoryErrorCode_DIRECTORY_ERROR_MALFORMED, ErrForged},
}

func encodeError(err error, now time.Time) *pb.DirectoryError {
	var later *laterError
	words := err.Error()
	if errors.As(err, &later) {
		words = later.err.Error() // when to try again is told apart
	}
	e := &pb.DirectoryError{
		Code:   pb.DirectoryErrorCode_DIRECTORY_ERROR_UNSPECIFIED,
		Reason: strings.ToValidUTF8(words[:min(maxReason, len(words))], ""),
	}
	for _, c := range codes {
		if errors.Is(err, c.err) {
			e.Code = c.code
			break
		}
	}
	var taken *NameTakenError
	var stale *staleError
	switch {
	case errors.As(err, &taken):
		e.Owner = []byte(taken.Owner)
		e.LeftMs = uint64(max(0, taken.Until.Sub(now)).Milliseconds())
		e.Like = taken.Like
	case errors.As(err, &stale):
		e.Seq = stale.seq
	case errors.As(err, &later):
		e.RetryMs = uint64(max(1, later.after.Milliseconds()))
	}
	return e
}

// decodeError turns a server's refusal of a request about a name into an error.
func decodeError(e *pb.DirectoryError, name string, now time.Time) error {
	switch e.GetCode() {
	case pb.DirectoryErrorCode_DIRECTORY_ERROR_NAME_TAKEN:
		taken := &NameTakenError{Name: name, Owner: peerID(e.GetOwner()), Until: now.Add(span(e.GetLeftMs()))}
		if checkName(e.GetLike()) == nil {
			taken.Like = e.GetLike()
		}
		return taken
	case pb.DirectoryErrorCode_DIRECTORY_ERROR_STALE:
		if e.GetSeq() > uint64(now.Add(maxAhead).UnixNano()) {
			return malformed("a sequence number that no clock gives")
		}
		return &staleError{e.GetSeq()}
	case pb.DirectoryErrorCode_DIRECTORY_ERROR_NOT_REGISTERED:
		return ErrNotRegistered
	}
	reason := e.GetReason()
	reason = reason[:min(maxReason, len(reason))]
	for _, c := range codes {
		if c.code != e.GetCode() {
			continue
		}
		err := c.err
		if more := strings.TrimPrefix(strings.TrimPrefix(reason, c.err.Error()), ": "); more != "" {
			err = fmt.Errorf("%w: the server says %q", c.err, more)
		}
		if e.GetRetryMs() > 0 {
			return &laterError{err, span(e.GetRetryMs())}
		}
		return err
	}
	return fmt.Errorf("%w: the server says %q", ErrMalformed, reason)
}

// refusal reports whether an error is a server's considered answer, rather than a
// failure to get one.
func refusal(err error) bool {
	for _, passing := range [...]error{ErrBusy, ErrStorage, ErrFull, ErrNoMajority} {
		if errors.Is(err, passing) {
			return false
		}
	}
	for _, c := range codes {
		if errors.Is(err, c.err) {
			return true
		}
	}
	return false
}
