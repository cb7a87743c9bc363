package names

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// Snapshot is a copy of a state that can be written while the state goes on.
type Snapshot struct {
	now      time.Duration
	holdings []holding
	removals []removal
}

// Snapshot copies the state.
func (s *State) Snapshot() *Snapshot {
	holdings := make([]holding, 0, s.Len())
	for _, h := range s.ends.All() {
		holdings = append(holdings, *h)
	}
	return &Snapshot{s.now, holdings, slices.Clone(s.removals.queue[s.removals.begin:])}
}

// Write writes the snapshot; equal states give equal bytes.
func (s *Snapshot) Write(to io.Writer) error {
	w := bufio.NewWriter(to)
	header := &pb.NamesSnapshot{
		Version: snapshotVersion, NowNs: uint64(s.now),
		Holdings: uint64(len(s.holdings)), Removals: uint64(len(s.removals)),
	}
	if err := wire.WriteFrame(w, maxPart, header); err != nil {
		return fmt.Errorf("write snapshot of names: %w", err)
	}
	slices.SortFunc(s.holdings, func(a, b holding) int { return cmp.Compare(a.key(), b.key()) })
	for i := range s.holdings {
		h := &s.holdings[i]
		part := &pb.NamesSnapshotPart{Body: &pb.NamesSnapshotPart_Holding{Holding: &pb.NamesHolding{
			Key: h.key(), Skeleton: h.skeleton(), Name: h.name(), Owner: []byte(h.owner()), Seq: h.seq, EndsNs: uint64(h.ends()),
		}}}
		if err := wire.WriteFrame(w, maxPart, part); err != nil {
			return fmt.Errorf("write snapshot of names: %w", err)
		}
	}
	for _, r := range s.removals {
		part := &pb.NamesSnapshotPart{Body: &pb.NamesSnapshotPart_Removal{Removal: &pb.NamesRemoval{
			Key: r.holder.Key, Owner: []byte(r.holder.Owner), Seq: r.seq, AtNs: uint64(r.at),
		}}}
		if err := wire.WriteFrame(w, maxPart, part); err != nil {
			return fmt.Errorf("write snapshot of names: %w", err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write snapshot of names: %w", err)
	}
	return nil
}

// Restore reads what [Snapshot.Write] wrote.
func Restore(from io.Reader) (*State, error) {
	s, err := restore(bufio.NewReader(from))
	if err != nil {
		return nil, fmt.Errorf("read snapshot of names: %w", err)
	}
	return s, nil
}

func restore(r *bufio.Reader) (*State, error) {
	var header pb.NamesSnapshot
	if err := readPart(r, &header); err != nil {
		return nil, err
	}
	switch {
	case header.Version != snapshotVersion:
		return nil, fmt.Errorf("%w: version %d, this program reads %d", ErrMalformed, header.Version, snapshotVersion)
	case header.NowNs > uint64(maxTime):
		return nil, fmt.Errorf("%w: time", ErrMalformed)
	case header.Holdings > maxHoldings || header.Removals > maxRemovals:
		return nil, fmt.Errorf("%w: %d holdings and %d removals", ErrMalformed, header.Holdings, header.Removals)
	}
	s := New()
	s.now = time.Duration(header.NowNs)
	last := ""
	for range header.Holdings {
		h, err := readHolding(r)
		if err != nil {
			return nil, err
		}
		if h.Key <= last || h.Ends <= s.now || s.skeletons.Get(h.Skeleton) != nil {
			return nil, fmt.Errorf("%w: holding out of order, ended or held twice", ErrMalformed)
		}
		last = h.Key
		s.insert(h)
	}
	for range header.Removals {
		one, err := readRemoval(r)
		if err != nil {
			return nil, err
		}
		if n := len(s.removals.queue); one.at > s.now || n > 0 && one.at < s.removals.queue[n-1].at ||
			one.seq < s.removals.last[one.holder] {
			return nil, fmt.Errorf("%w: removal out of order", ErrMalformed)
		}
		s.removals.remember(one.holder, one.seq, one.at)
	}
	if _, err := r.ReadByte(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: more than was announced", ErrMalformed)
	}
	return s, nil
}

func readHolding(r *bufio.Reader) (Holding, error) {
	var part pb.NamesSnapshotPart
	if err := readPart(r, &part); err != nil {
		return Holding{}, err
	}
	m := part.GetHolding()
	h := Holding{
		Key: m.GetKey(), Name: m.GetName(), Skeleton: m.GetSkeleton(),
		Owner: peer.ID(m.GetOwner()), Seq: m.GetSeq(), Ends: span(m.GetEndsNs()),
	}
	if len(h.Name) == 0 || len(h.Name) > MaxKey || len(h.Skeleton) == 0 || len(h.Skeleton) > MaxSkeleton ||
		h.Ends > maxTime+2*MaxSpan {
		return Holding{}, fmt.Errorf("%w: holding", ErrMalformed)
	}
	return h, errors.Join(checkHolder(h.Key, h.Owner), checkSeq(h.Seq))
}

func readRemoval(r *bufio.Reader) (removal, error) {
	var part pb.NamesSnapshotPart
	if err := readPart(r, &part); err != nil {
		return removal{}, err
	}
	m := part.GetRemoval()
	one := removal{Renewal{m.GetKey(), peer.ID(m.GetOwner())}, m.GetSeq(), span(m.GetAtNs())}
	return one, errors.Join(checkHolder(one.holder.Key, one.holder.Owner), checkSeq(one.seq))
}

func readPart(r *bufio.Reader, m proto.Message) error {
	err := wire.ReadFrame(r, maxPart, m)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: less than was announced", ErrMalformed)
	}
	return err
}
