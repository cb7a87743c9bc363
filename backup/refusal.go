package backup

import (
	"errors"
	"fmt"

	"github.com/grapevine-p2p/grapevine/internal/display"
	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// refusalKinds pairs the codes of the protocol with errors.
func refusalKinds() []refusalKind {
	return []refusalKind{
		{pb.BackupRefusalCode_BACKUP_QUOTA, ErrQuota},
		{pb.BackupRefusalCode_BACKUP_BUSY, ErrBusy},
		{pb.BackupRefusalCode_BACKUP_NOT_FOUND, ErrNotFound},
		{pb.BackupRefusalCode_BACKUP_DAMAGED, ErrDamaged},
		{pb.BackupRefusalCode_BACKUP_DISK, errDisk},
		{pb.BackupRefusalCode_BACKUP_NO_HOLDER, errNoHolder},
		{pb.BackupRefusalCode_BACKUP_UNREACHABLE, errLost},
		{pb.BackupRefusalCode_BACKUP_MALFORMED, errMalformed},
	}
}

type refusalKind struct {
	code pb.BackupRefusalCode
	err  error
}

// refusalOf puts an error into words for the other side. What is not meant for others,
// such as the paths in a disk's errors, stays here.
func refusalOf(err error) *pb.BackupRefusal {
	for _, k := range refusalKinds() {
		if errors.Is(err, k.err) {
			reason := err.Error()
			if k.err == errDisk {
				reason = ""
			}
			return &pb.BackupRefusal{Code: k.code, Reason: reason[:min(len(reason), wire.MaxReason)]}
		}
	}
	return &pb.BackupRefusal{Code: pb.BackupRefusalCode_BACKUP_UNREACHABLE}
}

// refusalError is the error that a refusal from a peer stands for.
func refusalError(r *pb.BackupRefusal) error {
	for _, k := range refusalKinds() {
		if r.GetCode() == k.code {
			return refused{k.err, display.Line(r.GetReason()[:min(len(r.GetReason()), wire.MaxReason)])}
		}
	}
	return fmt.Errorf("refused: code %d", r.GetCode())
}

// refused is a peer's refusal in its words.
type refused struct {
	kind   error
	reason string
}

func (r refused) Error() string {
	if r.reason == "" {
		return r.kind.Error()
	}
	return r.reason
}

func (r refused) Unwrap() error { return r.kind }

func refusalMessage(err error) *pb.BackupMessage {
	return &pb.BackupMessage{Body: &pb.BackupMessage_Refusal{Refusal: refusalOf(err)}}
}
