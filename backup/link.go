package backup

import (
	"bufio"
	"fmt"
	"net"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// times are the deadlines of transfers and queries; see limits.go. Tests shorten them.
type times struct{ request, frame, idle, open, commit, query time.Duration }

func defaultTimes() times {
	return times{request: requestTime, frame: frameTime, idle: idleTime, open: openTime, commit: commitTime, query: queryTime}
}

// link is a conn of the service, in frames. One goroutine may send while another
// receives.
type link struct {
	conn  net.Conn
	in    *bufio.Reader
	times times
}

func newLink(conn net.Conn, t times) *link {
	return &link{conn: conn, in: bufio.NewReader(conn), times: t}
}

func (l *link) close() { _ = l.conn.Close() } // at worst closed already

// send writes one frame. It may wait as long as each of the peers behind the other
// side may.
func (l *link) send(m *pb.BackupMessage, behind int) error {
	if err := l.conn.SetWriteDeadline(time.Now().Add(l.times.frame * time.Duration(behind+1))); err != nil {
		return err
	}
	return wire.WriteFrame(l.conn, wire.MaxDataFrame, m)
}

// receive reads one frame that begins within wait; 0 is no limit. A refusal comes as
// an error.
func (l *link) receive(limit int, wait time.Duration) (*pb.BackupMessage, error) {
	var late time.Time
	if wait > 0 {
		late = time.Now().Add(wait)
	}
	if err := l.conn.SetReadDeadline(late); err != nil {
		return nil, err
	}
	if _, err := l.in.Peek(1); err != nil {
		return nil, err
	}
	return l.receiveWithin(limit, l.times.frame)
}

// receiveWithin reads one frame that is whole within wait.
func (l *link) receiveWithin(limit int, wait time.Duration) (*pb.BackupMessage, error) {
	// A net.Pipe whose other end is closed takes no deadline; what came is read.
	if err := l.conn.SetReadDeadline(time.Now().Add(wait)); err != nil && l.in.Buffered() == 0 {
		return nil, err
	}
	m := new(pb.BackupMessage)
	if err := wire.ReadFrame(l.in, limit, m); err != nil {
		return nil, err
	}
	if refused := m.GetRefusal(); refused != nil {
		return nil, refusalError(refused)
	}
	return m, nil
}

// unexpected is the error for a message out of its turn.
func unexpected(m *pb.BackupMessage, want string) error {
	return fmt.Errorf("%w: %T instead of %s", errMalformed, m.GetBody(), want)
}
