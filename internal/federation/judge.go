package federation

import (
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// greeting is a hello to what this server was before it lost its store.
type greeting struct {
	by         peer.ID
	federation random
}

// judge decides whether a stream of raft's messages is let in. Who sends them shows
// this server's own signed consent to be a member of the federation, which only
// members have.
func (f *Federation) judge(from peer.ID, hello *pb.FederationHello) error {
	federation, to := random(hello.Federation), random(hello.To)
	switch {
	case hello.Network != f.cfg.Name:
		return fmt.Errorf("this is network %q", f.cfg.Name)
	case !federation.valid() || !to.valid():
		return fmt.Errorf("%w: hello", errMalformed)
	case !consents(f.cfg.Key.GetPublic(), f.cfg.Name, federation, to, hello.Consent):
		return errors.New("this server did not consent to be a member")
	}
	own := f.federation()
	if own != "" && own != federation {
		f.meetRival(from, federation)
		return errors.New("this server belongs to another federation")
	}
	if to != f.self.incarnation {
		f.mu.Lock()
		f.greeted = greeting{from, federation}
		f.mu.Unlock()
		return errors.New("this server lost its state and is another incarnation now")
	}
	return f.setFederation(federation)
}

// federation is the one this server belongs to, "" while it waits.
func (f *Federation) federation() random {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.id
}

// setFederation makes durable which federation this server belongs to.
func (f *Federation) setFederation(id random) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch f.id {
	case id:
		return nil
	case "":
		if err := f.cfg.Stores.stable.Set(federationKey, []byte(id)); err != nil {
			return fmt.Errorf("store which federation the server belongs to: %w", err)
		}
		f.id = id
		f.log.Info("the server joins a federation", "federation", id)
		return nil
	}
	return errors.New("this server belongs to another federation")
}

// meetRival notes that another federation counts this server as a member: it began
// one of its own, probably because it lost its store and was given no fellows. It
// grants nothing any more, for the other federation may have granted the same.
func (f *Federation) meetRival(from peer.ID, rival random) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rival != "" {
		return
	}
	f.rival = rival
	f.log.Error("another federation counts this server as a member, so it grants no names: "+
		"stop it, remove its store and start it with a fellow of that federation",
		"federation", f.id, "other", rival, "fellow", from)
	if err := f.cfg.Stores.stable.Set(rivalKey, []byte(rival)); err != nil {
		f.log.Error("that cannot be stored", "err", err)
	}
}
