package names

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// ErrMalformed is returned for a command or snapshot that breaks the limits.
var ErrMalformed = errors.New("malformed")

// Command is a [Claim], [Renew], [Removal] or [Tick].
type Command interface{ isCommand() }

// Claim asks for a name, or renews it with a newer record of its owner.
type Claim struct {
	// Key is the form in which names are compared; Skeleton that in which names
	// that look alike are equal; Name is as the owner writes it.
	Key, Skeleton, Name string
	Owner               peer.ID
	// Seq orders the claims and removals of one owner and key.
	Seq uint64
	// MaxPerOwner and MaxNames are the limits of the server that proposes it.
	MaxPerOwner, MaxNames int
	// Term is what the grant is worth to its holder, and Reserve how long the name
	// stays the owner's after it.
	Term, Reserve time.Duration
}

// Renewal is one name of a batch.
type Renewal struct {
	Key   string
	Owner peer.ID
}

// Renew begins the terms of many names anew.
type Renew struct {
	Term, Reserve time.Duration
	Renewals      []Renewal // at most MaxRenewals
}

// Removal gives a name up. From the moment that it is sent its owner does not hold the
// name any more, and sends no renewal until it has claimed the name again with a
// higher number: the removal may be late, and would take from it what it renewed.
type Removal struct {
	Key   string
	Owner peer.ID
	Seq   uint64
}

// Tick lets time pass.
type Tick struct{}

func (Claim) isCommand()   {}
func (Renew) isCommand()   {}
func (Removal) isCommand() {}
func (Tick) isCommand()    {}

// Check says what about a claim breaks the limits.
func (c Claim) Check() error {
	switch {
	case len(c.Skeleton) == 0 || len(c.Skeleton) > MaxSkeleton:
		return fmt.Errorf("%w: skeleton of %d bytes", ErrMalformed, len(c.Skeleton))
	case len(c.Name) == 0 || len(c.Name) > MaxKey:
		return fmt.Errorf("%w: name of %d bytes", ErrMalformed, len(c.Name))
	case c.MaxPerOwner <= 0 || c.MaxPerOwner > math.MaxInt32 || c.MaxNames <= 0 || c.MaxNames > maxHoldings:
		return fmt.Errorf("%w: limits of %d and %d names", ErrMalformed, c.MaxPerOwner, c.MaxNames)
	}
	return errors.Join(checkHolder(c.Key, c.Owner), checkSeq(c.Seq), checkSpans(c.Term, c.Reserve))
}

// Check says what about a batch breaks the limits.
func (r Renew) Check() error {
	if len(r.Renewals) > MaxRenewals {
		return fmt.Errorf("%w: %d renewals, at most %d", ErrMalformed, len(r.Renewals), MaxRenewals)
	}
	for _, one := range r.Renewals {
		if err := checkHolder(one.Key, one.Owner); err != nil {
			return err
		}
	}
	return checkSpans(r.Term, r.Reserve)
}

// Check says what about a removal breaks the limits.
func (r Removal) Check() error {
	return errors.Join(checkHolder(r.Key, r.Owner), checkSeq(r.Seq))
}

func checkHolder(key string, owner peer.ID) error {
	if len(key) == 0 || len(key) > MaxKey {
		return fmt.Errorf("%w: key of %d bytes", ErrMalformed, len(key))
	}
	if _, err := peer.IDFromBytes([]byte(owner)); err != nil || len(owner) > MaxOwner {
		return fmt.Errorf("%w: owner", ErrMalformed)
	}
	return nil
}

func checkSeq(seq uint64) error {
	if seq == 0 || seq > math.MaxInt64 {
		return fmt.Errorf("%w: sequence number %d", ErrMalformed, seq)
	}
	return nil
}

func checkSpans(term, reserve time.Duration) error {
	if term <= 0 || term > MaxSpan || reserve < 0 || reserve > MaxSpan {
		return fmt.Errorf("%w: term of %s and reservation of %s", ErrMalformed, term, reserve)
	}
	return nil
}

// Entry is a command as the leader proposes it.
type Entry struct {
	// Stamp is the leader's log time, and RaftTerm the term in which it led. The
	// stamp counts only in an entry of that term: a leader that was deposed, and
	// leads again, has stamps that know nothing of what happened between.
	Stamp    time.Duration
	RaftTerm uint64
	Command  Command
}

// Encode returns an entry as it stands in the log.
func (e Entry) Encode() ([]byte, error) {
	m := &pb.NamesCommand{StampNs: uint64(e.Stamp), RaftTerm: e.RaftTerm}
	switch c := e.Command.(type) {
	case Claim:
		m.Body = &pb.NamesCommand_Claim{Claim: c.Proto()}
	case Renew:
		m.Body = &pb.NamesCommand_Renew{Renew: c.Proto()}
	case Removal:
		m.Body = &pb.NamesCommand_Remove{Remove: c.Proto()}
	case Tick:
		m.Body = &pb.NamesCommand_Tick{Tick: &pb.NamesTick{}}
	}
	data, err := proto.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode command: %w", err)
	}
	return data, nil
}

// Decode is the reverse of [Entry.Encode]. What it returns is within the limits.
func Decode(data []byte) (Entry, error) {
	if len(data) > MaxCommand {
		return Entry{}, fmt.Errorf("%w: command of %d bytes", ErrMalformed, len(data))
	}
	var m pb.NamesCommand
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(data, &m); err != nil {
		return Entry{}, fmt.Errorf("%w: command: %w", ErrMalformed, err)
	}
	if m.StampNs > uint64(maxTime) {
		return Entry{}, fmt.Errorf("%w: stamp", ErrMalformed)
	}
	e := Entry{Stamp: time.Duration(m.StampNs), RaftTerm: m.RaftTerm}
	var err error
	switch body := m.Body.(type) {
	case *pb.NamesCommand_Claim:
		e.Command, err = ClaimOf(body.Claim)
	case *pb.NamesCommand_Renew:
		e.Command, err = RenewOf(body.Renew)
	case *pb.NamesCommand_Remove:
		e.Command, err = RemovalOf(body.Remove)
	case *pb.NamesCommand_Tick:
		e.Command = Tick{}
	default:
		err = fmt.Errorf("%w: unknown command", ErrMalformed)
	}
	if err != nil {
		return Entry{}, err
	}
	return e, nil
}

// Proto returns the claim as it is sent.
func (c Claim) Proto() *pb.NamesClaim {
	return &pb.NamesClaim{
		Key: c.Key, Skeleton: c.Skeleton, Name: c.Name, Owner: []byte(c.Owner), Seq: c.Seq,
		MaxPerOwner: uint32(c.MaxPerOwner), MaxNames: uint32(c.MaxNames),
		TermNs: uint64(c.Term), ReserveNs: uint64(c.Reserve),
	}
}

// ClaimOf checks what was sent.
func ClaimOf(m *pb.NamesClaim) (Claim, error) {
	c := Claim{
		Key: m.GetKey(), Skeleton: m.GetSkeleton(), Name: m.GetName(), Owner: peer.ID(m.GetOwner()), Seq: m.GetSeq(),
		MaxPerOwner: int(m.GetMaxPerOwner()), MaxNames: int(m.GetMaxNames()),
		Term: span(m.GetTermNs()), Reserve: span(m.GetReserveNs()),
	}
	return c, c.Check()
}

// Proto returns the batch as it is sent.
func (r Renew) Proto() *pb.NamesRenew {
	m := &pb.NamesRenew{TermNs: uint64(r.Term), ReserveNs: uint64(r.Reserve)}
	for _, one := range r.Renewals {
		m.Renewals = append(m.Renewals, &pb.NamesRenewal{Key: one.Key, Owner: []byte(one.Owner)})
	}
	return m
}

// RenewOf checks what was sent.
func RenewOf(m *pb.NamesRenew) (Renew, error) {
	r := Renew{Term: span(m.GetTermNs()), Reserve: span(m.GetReserveNs())}
	for _, one := range m.GetRenewals() {
		r.Renewals = append(r.Renewals, Renewal{Key: one.GetKey(), Owner: peer.ID(one.GetOwner())})
	}
	return r, r.Check()
}

// Proto returns the removal as it is sent.
func (r Removal) Proto() *pb.NamesRemove {
	return &pb.NamesRemove{Key: r.Key, Owner: []byte(r.Owner), Seq: r.Seq}
}

// RemovalOf checks what was sent.
func RemovalOf(m *pb.NamesRemove) (Removal, error) {
	r := Removal{Key: m.GetKey(), Owner: peer.ID(m.GetOwner()), Seq: m.GetSeq()}
	return r, r.Check()
}

// span turns what no duration can be into one that no check passes.
func span(ns uint64) time.Duration {
	if ns > math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(ns)
}
