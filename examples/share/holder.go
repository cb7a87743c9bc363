package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/dialcause"
	"github.com/grapevine-p2p/grapevine/p2p"
)

var (
	errBusy    = errors.New("the holder is busy")
	errStalled = errors.New("the holder sends nothing any more")
	errSlow    = errors.New("the holder is too slow")
)

// holder is a peer that says that it has the file.
type holder struct {
	id   peer.ID
	size int64 // of the file, as it says
	// read returns a Bao slice of the file, not verified.
	read func(ctx context.Context, offset, length int64) ([]byte, error)
	// accuse tells the node that the holder lied.
	accuse func()
	// close ends the conns to it.
	close func()
}

// patience is what a holder is allowed.
type patience struct {
	stall time.Duration // without a byte
	whole time.Duration // for a range
}

// ordinary is 17 KB/s at the least, and time to dial.
func ordinary() patience { return patience{stall: 20 * time.Second, whole: time.Minute} }

// newHolder makes the holder of a file of a size. Nothing is dialled before its first
// read.
func newHolder(node *p2p.Node, from peer.AddrInfo, h handle, proof string, size int64, wait patience) *holder {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			// The addresses of a hit are remembered for two minutes only.
			if err := node.Host().Connect(ctx, from); err != nil {
				return nil, err
			}
			return node.Dial(ctx, from.ID, service)
		},
		DisableCompression:     true, // it would be decompressed without a bound
		MaxConnsPerHost:        holderRanges,
		MaxIdleConnsPerHost:    holderRanges,
		IdleConnTimeout:        idleTime / 2,
		MaxResponseHeaderBytes: maxHeader,
	}
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	read := func(ctx context.Context, offset, length int64) ([]byte, error) {
		address := fmt.Sprintf("http://share/slices/%s?offset=%d&length=%d", h, offset, length)
		return get(ctx, client, address, proof, wait)
	}
	return &holder{id: from.ID, size: size, read: read, accuse: func() {}, close: transport.CloseIdleConnections}
}

// get reads an answer of at most maxSlice bytes.
func get(ctx context.Context, client *http.Client, address, proof string, wait patience) (_ []byte, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, wait.whole, errSlow)
	defer cancel()
	ctx, stalled := context.WithCancelCause(ctx)
	defer stalled(nil)
	watch := time.AfterFunc(wait.stall, func() { stalled(errStalled) })
	defer watch.Stop()
	defer func() {
		if cause := context.Cause(ctx); err != nil && cause != nil {
			err = cause
		}
	}()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	if proof != "" {
		request.Header.Set("Authorization", proof)
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, why(err)
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusServiceUnavailable:
		return nil, errBusy
	default:
		return nil, fmt.Errorf("the holder answers %d %s", response.StatusCode, http.StatusText(response.StatusCode))
	}
	slice, err := io.ReadAll(io.LimitReader(alive{response.Body, watch, wait.stall}, maxSlice+1))
	if err == nil && len(slice) > maxSlice {
		err = errDamaged
	}
	return slice, why(err)
}

// why says in a few words why nothing came from a holder: who it is and what it was asked
// is told beside it, or of no use.
func why(err error) error {
	err = dialcause.First(err)
	var asked *url.Error
	if errors.As(err, &asked) {
		err = asked.Err
	}
	var conn *net.OpError
	if errors.As(err, &conn) && conn.Net == "libp2p" {
		err = conn.Err
	}
	return err
}

// alive puts the end off with each byte that comes.
type alive struct {
	r     io.Reader
	watch *time.Timer
	stall time.Duration
}

func (a alive) Read(p []byte) (int, error) {
	n, err := a.r.Read(p)
	if n > 0 {
		a.watch.Reset(a.stall)
	}
	return n, err
}
