package main

import (
	"bufio"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/record"
	rendezvous "github.com/waku-org/go-libp2p-rendezvous"
	rendezvouspb "github.com/waku-org/go-libp2p-rendezvous/pb"
	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// speaker asks a directory, one request after the other.
type speaker interface {
	claim(name string) error // registers anew, or again by another record
	renew(name string) error // what keeps a registration alive
	find() error             // some peers that are online
}

// language is how to speak with a kind of directory.
type language struct {
	protocol protocol.ID
	by       func(*member, *talk) speaker
}

func spoken(kind string) language {
	if kind == grapevine {
		return language{wire.Directory, func(m *member, t *talk) speaker { return &directorySpeaker{m, t, 0} }}
	}
	return language{rendezvous.RendezvousProto, func(m *member, t *talk) speaker { return &rendezvousSpeaker{m, t} }}
}

// talk is a stream of frames.
type talk struct {
	stream network.MuxedStream
	in     *bufio.Reader
}

func newTalk(stream network.MuxedStream) *talk {
	return &talk{stream, bufio.NewReaderSize(stream, 512)}
}

// maxFrame is more than any answer takes: 1,000 registrations of rendezvous.
const maxFrame = 4 << 20

func (t *talk) send(m proto.Message) error {
	if err := t.stream.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	return wire.WriteFrame(t.stream, maxFrame, m)
}

func (t *talk) receive(m proto.Message) error { return wire.ReadFrame(t.in, maxFrame, m) }

// directorySpeaker speaks Grapevine's own protocol.
type directorySpeaker struct {
	*member
	*talk
	seq uint64
}

// refusal is what a server answers instead.
type refusal struct {
	code  pb.DirectoryErrorCode
	after time.Duration
}

func (r *refusal) Error() string { return r.code.String() }

func (d *directorySpeaker) ask(req *pb.DirectoryRequest) (*pb.DirectoryResponse, error) {
	req.Network = wire.DefaultNetwork
	if err := d.send(req); err != nil {
		return nil, err
	}
	var resp pb.DirectoryResponse
	if err := d.receive(&resp); err != nil {
		return nil, err
	}
	if e := resp.GetError(); e != nil {
		return nil, &refusal{e.Code, time.Duration(e.RetryMs) * time.Millisecond}
	}
	return &resp, nil
}

func (d *directorySpeaker) claim(name string) error {
	envelope, err := d.signed(name)
	if err != nil {
		return err
	}
	for {
		resp, err := d.ask(&pb.DirectoryRequest{Body: &pb.DirectoryRequest_Register{Register: &pb.DirectoryRegister{Record: envelope, Detached: d.detached}}})
		if r := (*refusal)(nil); errors.As(err, &r) && r.after > 0 {
			time.Sleep(min(r.after, patience)) // as the answer says; it counts as waiting for it
			continue
		}
		if err == nil && resp.GetGranted() == nil {
			return errors.New("no grant")
		}
		return err
	}
}

// signed makes a record of this peer that is newer than all before it.
func (d *directorySpeaker) signed(name string) ([]byte, error) {
	d.seq = max(d.seq+1, uint64(time.Now().UnixNano()))
	rec := &pb.DirectoryRecord{
		Network: wire.DefaultNetwork, Name: name, Peer: []byte(d.id), Seq: d.seq,
		ExpiresUnixMs: time.Now().Add(24 * time.Hour).UnixMilli(),
	}
	for _, a := range d.addrs {
		rec.Addrs = append(rec.Addrs, a.Bytes())
	}
	envelope, err := record.Seal(&registration{rec}, d.key)
	if err != nil {
		return nil, err
	}
	return envelope.Marshal()
}

func (d *directorySpeaker) renew(name string) error {
	resp, err := d.ask(&pb.DirectoryRequest{Body: &pb.DirectoryRequest_Renew{Renew: &pb.DirectoryRenew{Name: name}}})
	if err == nil && resp.GetGranted() == nil {
		return errors.New("no grant")
	}
	return err
}

func (d *directorySpeaker) find() error {
	resp, err := d.ask(&pb.DirectoryRequest{Body: &pb.DirectoryRequest_Sample{Sample: &pb.DirectorySample{}}})
	if err == nil && len(resp.GetPage().GetEntries()) == 0 {
		return errors.New("no peers")
	}
	return err
}

// lookup asks who holds a name.
func (d *directorySpeaker) lookup(name string) error {
	resp, err := d.ask(&pb.DirectoryRequest{Body: &pb.DirectoryRequest_Lookup{Lookup: &pb.DirectoryLookup{Name: name}}})
	if err == nil && resp.GetEntry() == nil {
		return errors.New("no entry")
	}
	return err
}

// registration is a DirectoryRecord as an envelope carries it; see directory.proto.
type registration struct{ *pb.DirectoryRecord }

var _ record.Record = (*registration)(nil)

func (*registration) Domain() string { return wire.RegistrationDomain }

func (*registration) Codec() []byte { return []byte("/grapevine/registration") }

func (r *registration) MarshalRecord() ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(r.DirectoryRecord)
}

func (r *registration) UnmarshalRecord(data []byte) error {
	r.DirectoryRecord = &pb.DirectoryRecord{}
	return proto.Unmarshal(data, r.DirectoryRecord)
}

// rendezvousSpeaker speaks /rendezvous/1.0.0, where a name is a namespace that
// anybody may register in, and to renew is to register again.
type rendezvousSpeaker struct {
	*member
	*talk
}

const (
	// rendezvousTTL is two hours, the protocol's default.
	rendezvousTTL = 2 * 3600
	// foundAtOnce is as many peers as Grapevine hands out at once.
	foundAtOnce = 32
)

// claim registers in the namespace of that name; a peer's own name stands for the
// namespace in which all meet.
func (r *rendezvousSpeaker) claim(name string) error {
	if name == r.name {
		name = meeting
	}
	req, err := rendezvous.NewRegisterMessage(r.key, name, peer.AddrInfo{ID: r.id, Addrs: r.addrs}, rendezvousTTL)
	if err != nil {
		return err
	}
	resp, err := r.ask(req)
	if err != nil {
		return err
	}
	return accepted(resp.GetRegisterResponse().GetStatus())
}

func (r *rendezvousSpeaker) renew(name string) error { return r.claim(name) }

// find asks in the namespace in which all meet.
func (r *rendezvousSpeaker) find() error {
	resp, err := r.ask(rendezvous.NewDiscoverMessage(meeting, foundAtOnce, nil))
	if err != nil {
		return err
	}
	if err := accepted(resp.GetDiscoverResponse().GetStatus()); err != nil {
		return err
	}
	if len(resp.GetDiscoverResponse().GetRegistrations()) == 0 {
		return errors.New("no peers")
	}
	return nil
}

func (r *rendezvousSpeaker) ask(req *rendezvouspb.Message) (*rendezvouspb.Message, error) {
	if err := r.send(req); err != nil {
		return nil, err
	}
	var resp rendezvouspb.Message
	return &resp, r.receive(&resp)
}

func accepted(status rendezvouspb.Message_ResponseStatus) error {
	switch status {
	case rendezvouspb.Message_OK:
		return nil
	case rendezvouspb.Message_E_INTERNAL_ERROR:
		return errInternal
	default:
		return fmt.Errorf("status %s", status)
	}
}

// errInternal is the server's own fault.
var errInternal = errors.New("internal error of the server")
