package main

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// Attacked is what came of a flood.
type Attacked struct {
	Timing
	Refused int64 // as it should be, or for asking too often
}

// Attack floods the server at a rate that all members share: a third of the requests
// look up names that nobody has, a third renew what the sender does not hold, and a
// third register records that are forged.
func (c *Crowd) Attack(p Pace, a *Attacked) error {
	forged := make(map[*member][]byte, len(c.members))
	for i, m := range c.members {
		// A record that somebody else signed, and one whose signature is no good.
		envelope, err := c.members[(i+1)%len(c.members)].speaker.(*directorySpeaker).signed("stolen")
		if err != nil {
			return err
		}
		if i%2 == 0 {
			envelope[len(envelope)-1] ^= 1
		}
		forged[m] = envelope
	}
	var n, refused atomic.Int64
	c.done.Store(0)
	a.Timing = drive(c.ctx, c.members, p, &c.done, func(m *member) (bool, error) {
		req := &pb.DirectoryRequest{}
		k := n.Add(1)
		switch k % 3 {
		case 0:
			req.Body = &pb.DirectoryRequest_Lookup{Lookup: &pb.DirectoryLookup{Name: fmt.Sprint("nobody-", k)}}
		case 1:
			req.Body = &pb.DirectoryRequest_Renew{Renew: &pb.DirectoryRenew{Name: fmt.Sprint("nobody-", k)}}
		case 2:
			req.Body = &pb.DirectoryRequest_Register{Register: &pb.DirectoryRegister{Record: forged[m]}}
		}
		_, err := m.speaker.(*directorySpeaker).ask(req)
		if r := (*refusal)(nil); errors.As(err, &r) {
			refused.Add(1)
			return false, nil
		}
		if err == nil {
			err = errors.New("a hostile request was granted")
		}
		return false, err
	})
	a.Refused = refused.Load()
	return nil
}

// Pressed is what came of asking at full speed.
type Pressed struct{ Sent, Answered, Refused int64 }

// Press lets every member send look-ups as fast as the server takes them, without
// waiting for answers.
func (c *Crowd) Press(p Pace, total *Pressed) error {
	ends := time.Now().Add(p.For)
	var sent, answered, refused atomic.Int64
	var wg sync.WaitGroup
	for _, m := range c.members {
		d := m.speaker.(*directorySpeaker)
		if err := d.stream.SetDeadline(ends); err != nil {
			return err
		}
		wg.Go(func() {
			for {
				var resp pb.DirectoryResponse
				if err := d.receive(&resp); err != nil {
					return
				}
				if resp.GetError().GetCode() == pb.DirectoryErrorCode_DIRECTORY_ERROR_BUSY {
					refused.Add(1)
				} else {
					answered.Add(1)
				}
			}
		})
		wg.Go(func() {
			req := &pb.DirectoryRequest{Network: wire.DefaultNetwork, Body: &pb.DirectoryRequest_Lookup{Lookup: &pb.DirectoryLookup{Name: "nobody"}}}
			for wire.WriteFrame(d.stream, maxFrame, req) == nil {
				sent.Add(1)
			}
		})
	}
	wg.Wait()
	*total = Pressed{sent.Load(), answered.Load(), refused.Load()}
	return nil
}
