package rendezvous

import (
	"errors"
	"fmt"
	"strings"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// Status is libp2p's number for how a request ended.
type Status int32

// The statuses, with the numbers of the specification.
const (
	InvalidNamespace Status = 100
	InvalidRecord    Status = 101
	InvalidTTL       Status = 102
	InvalidCookie    Status = 103
	NotAuthorized    Status = 200
	InternalError    Status = 300
	Unavailable      Status = 400
)

// StatusError refuses a request.
type StatusError struct {
	Status Status
	Text   string
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("rendezvous status %d: %q", e.Status, e.Text)
}

func refuse(s Status, text string) error { return &StatusError{s, text} }

// HasStatus reports whether an error is a refusal of this status.
func HasStatus(err error, s Status) bool {
	var e *StatusError
	return errors.As(err, &e) && e.Status == s
}

// encodeStatus gives the status of an answer and its words.
func encodeStatus(err error) (*pb.RendezvousStatus, *string) {
	if err == nil {
		return pb.RendezvousStatus_RENDEZVOUS_OK.Enum(), nil
	}
	var e *StatusError
	if !errors.As(err, &e) {
		e = &StatusError{InternalError, "internal error"}
	}
	return pb.RendezvousStatus(e.Status).Enum(), &e.Text
}

// decodeStatus reads the status of an answer. One that is missing or unknown, which
// in this version of protobuf is the same, is not success.
func decodeStatus(status *pb.RendezvousStatus, text string) error {
	switch {
	case status == nil:
		return fmt.Errorf("%w: an answer without a known status", errMalformed)
	case *status == pb.RendezvousStatus_RENDEZVOUS_OK:
		return nil
	}
	return &StatusError{Status(*status), strings.ToValidUTF8(text[:min(maxText, len(text))], "")}
}

var errMalformed = errors.New("malformed")
