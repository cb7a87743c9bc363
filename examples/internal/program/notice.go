package program

import (
	"errors"

	"github.com/grapevine-p2p/grapevine/bootstrap"
)

// notice is what a person was told last of something that is tried again and again.
type notice struct{ last string }

// news tells whether err says something that the last one did not; nil says that all
// is well.
func (n *notice) news(err error) bool {
	what := ""
	var taken *bootstrap.NameTakenError
	switch {
	case errors.As(err, &taken):
		what = taken.Name + " " + string(taken.Owner) // not its end, which moves on
	case err != nil:
		what = err.Error()
	}
	is := what != n.last
	n.last = what
	return is
}
