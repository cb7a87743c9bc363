package fabric

import (
	"net"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// inFlight is the number of delayed writes that a wire holds before a writer waits.
const inFlight = 1024

// wire is one end of a connection.
type wire struct {
	net.Conn
	fabric        *Fabric
	local, remote peer.ID // remote: "" until an inbound handshake is over

	severed chan struct{} // nothing passes any more
	ended   chan struct{} // closed, or broken by the end of a cut
	sever   func()
	end     func()

	delayed chan parcel
	queued  bool // writes go through delayed; the encryption above writes one at a time
}

// parcel is a write on its way.
type parcel struct {
	data []byte
	due  time.Time
}

func newWire(f *Fabric, c net.Conn, local, remote peer.ID) *wire {
	w := &wire{
		Conn: c, fabric: f, local: local, remote: remote,
		severed: make(chan struct{}), ended: make(chan struct{}),
		delayed: make(chan parcel, inFlight),
	}
	w.sever = sync.OnceFunc(func() { close(w.severed) })
	w.end = sync.OnceFunc(func() { close(w.ended) })
	return w
}

func (w *wire) isSevered() bool {
	select {
	case <-w.severed:
		return true
	default:
		return false
	}
}

func (w *wire) Read(p []byte) (int, error) {
	for {
		n, err := w.Conn.Read(p)
		if !w.isSevered() {
			return n, err
		}
		if err != nil { // the other end may be gone, but that is not heard here
			<-w.ended
			return 0, net.ErrClosed
		}
	}
}

func (w *wire) Write(p []byte) (int, error) {
	if w.isSevered() {
		return len(p), nil
	}
	latency := w.fabric.delay()
	if latency == 0 && !w.queued {
		return w.Conn.Write(p)
	}
	if !w.queued { // and from now on, so that nothing overtakes what is on its way
		w.queued = true
		go w.deliver()
	}
	select {
	case w.delayed <- parcel{append([]byte(nil), p...), time.Now().Add(latency)}:
		return len(p), nil
	case <-w.ended:
		return 0, net.ErrClosed
	}
}

// deliver writes what was delayed when its time has come.
func (w *wire) deliver() {
	for {
		select {
		case <-w.ended:
			return
		case p := <-w.delayed:
			select {
			case <-time.After(time.Until(p.due)):
			case <-w.ended:
				return
			}
			if w.isSevered() {
				continue
			}
			if _, err := w.Conn.Write(p.data); err != nil {
				return
			}
		}
	}
}

// snap breaks the connection, so that both ends hear of it.
func (w *wire) snap() {
	w.end()
	_ = w.Conn.Close()
}

// Close ends the wire.
func (w *wire) Close() error {
	w.end()
	w.fabric.remove(w)
	return w.Conn.Close()
}
