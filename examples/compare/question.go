package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
)

const questionIDSize = 8

// questionID tells questions apart; an answer repeats it.
type questionID [questionIDSize]byte

// question is what is flooded over pubsub: its ID, the key, the length of the
// asker's peer ID, that, and an address.
type question struct {
	id    questionID
	key   key
	asker peer.AddrInfo
}

var errQuestion = errors.New("malformed question")

func (q question) encode() []byte {
	b := append(append([]byte(nil), q.id[:]...), q.key[:]...)
	b = append(b, byte(len(q.asker.ID)))
	b = append(b, q.asker.ID...)
	return append(b, q.asker.Addrs[0].Bytes()...)
}

func decodeQuestion(b []byte) (q question, err error) {
	fixed := len(q.id) + len(q.key) + 1
	if len(b) < fixed || len(b) < fixed+int(b[fixed-1]) {
		return q, errQuestion
	}
	copy(q.id[:], b)
	copy(q.key[:], b[len(q.id):])
	end := fixed + int(b[fixed-1])
	if q.asker.ID, err = peer.IDFromBytes(b[fixed:end]); err != nil {
		return q, fmt.Errorf("%w: %w", errQuestion, err)
	}
	addr, err := multiaddr.NewMultiaddrBytes(b[end:])
	if err != nil {
		return q, fmt.Errorf("%w: %w", errQuestion, err)
	}
	q.asker.Addrs = []multiaddr.Multiaddr{addr}
	return q, nil
}

func readAnswer(r io.Reader) (id questionID, err error) {
	var frame [1 + questionIDSize]byte
	if _, err := io.ReadFull(r, frame[:]); err != nil {
		return id, err
	}
	if frame[0] != questionIDSize {
		return id, errors.New("malformed answer")
	}
	return questionID(frame[1:]), nil
}
