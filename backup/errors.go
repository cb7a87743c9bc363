package backup

import "errors"

// Errors for a branch.
var (
	ErrBadKey        = errors.New("not a backup key")
	ErrWrongKey      = errors.New("sealed with another key")
	ErrBadID         = errors.New("not a blob ID")
	ErrTooFewHolders = errors.New("too few holders")
	ErrNotFound      = errors.New("no peer that is reachable has it")
	ErrAmbiguous     = errors.New("more than one backup fits")
	ErrExists        = errors.New("already there")
	ErrTooLarge      = errors.New("too large")
	ErrDamaged       = errors.New("damaged data")
	ErrBadArchive    = errors.New("unsafe archive")
	ErrQuota         = errors.New("no space left in the quota")
	ErrBusy          = errors.New("busy")
	ErrClosed        = errors.New("service closed")

	errHave      = errors.New("held already")
	errMalformed = errors.New("malformed message")
	errDisk      = errors.New("disk fault")
	errNoHolder  = errors.New("keeps nothing for others")
	errLost      = errors.New("not reachable")
	errSlow      = errors.New("slower than the least rate")
	errNetwork   = errors.New("of another network")
)
