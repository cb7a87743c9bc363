package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"
)

// server answers peers that read files. It knows contents by their handles and no
// paths:
//
//	GET /slices/{handle}?offset=N&length=N   a Bao slice: the bytes with their proof
//	GET /files/{handle}                      the bytes alone, in ranges
//
// In a group each request carries a proof of the key; without one there is nothing.
type server struct {
	library *library
	group   *group
	self    peer.ID
	uploads *throttle
	log     *slog.Logger
}

func newServer(l *library) *server {
	return &server{library: l, group: l.group, self: l.self, uploads: newThrottle(maxUploads, maxUploadsEach), log: l.log}
}

// serve answers until ctx ends.
func (s *server) serve(ctx context.Context, listener net.Listener) error {
	web := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       headerTime,
		WriteTimeout:      answerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
		defer cancel()
		err := web.Shutdown(late)
		if errors.Is(err, context.DeadlineExceeded) {
			err = web.Close()
		}
		stopped <- err
	})
	err := web.Serve(throttled{listener, newThrottle(maxConns, maxConnsEach)})
	if stop() { // it ended by itself
		return errors.Join(err, web.Close())
	}
	return <-stopped
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /slices/{handle}", s.slice)
	mux.HandleFunc("GET /files/{handle}", s.file)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asker, err := remotePeer(r)
		if err != nil {
			http.Error(w, "who are you", http.StatusForbidden)
			return
		}
		if r.ContentLength != 0 {
			http.Error(w, "a request has no body", http.StatusBadRequest)
			return
		}
		if !s.group.admits(r.Header.Get("Authorization"), s.self, asker) {
			http.NotFound(w, r)
			return
		}
		if !s.uploads.enter(string(asker)) {
			w.Header().Set("Retry-After", strconv.Itoa(int(busyTime.Seconds())))
			http.Error(w, "too many downloads at once", http.StatusServiceUnavailable)
			return
		}
		defer s.uploads.leave(string(asker))
		mux.ServeHTTP(w, r)
	})
}

// remotePeer is who asks, as the conn has proved.
func remotePeer(r *http.Request) (peer.ID, error) {
	id, _, _ := strings.Cut(r.RemoteAddr, "/")
	return peer.Decode(id)
}

// find returns the file of a request, or answers that there is none.
func (s *server) find(w http.ResponseWriter, r *http.Request) *shared {
	h, ok := parseHex(r.PathValue("handle"))
	if !ok {
		http.Error(w, fmt.Sprintf("want %d hexadecimal digits after the last slash", 2*len(h)), http.StatusBadRequest)
		return nil
	}
	f := s.library.current.Load().find(h)
	if f == nil {
		http.NotFound(w, r)
	}
	return f
}

func (s *server) slice(w http.ResponseWriter, r *http.Request) {
	f := s.find(w, r)
	if f == nil {
		return
	}
	offset, err := strconv.ParseInt(r.URL.Query().Get("offset"), 10, 64)
	length, err2 := strconv.ParseInt(r.URL.Query().Get("length"), 10, 64)
	switch {
	case err != nil || err2 != nil || offset < 0 || length <= 0 || length > maxRange:
		http.Error(w, fmt.Sprintf("want offset and length, the latter 1 to %d", maxRange), http.StatusBadRequest)
		return
	case length > f.file.size || offset > f.file.size-length:
		http.Error(w, fmt.Sprintf("the file has %d bytes", f.file.size), http.StatusRequestedRangeNotSatisfiable)
		return
	}
	slice, err := s.library.slice(f, offset, length)
	if err != nil {
		s.gone(w, f, err)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(slice)))
	_, _ = w.Write(slice) // an asker that went away
}

func (s *server) gone(w http.ResponseWriter, f *shared, err error) {
	s.log.Info("a file is not what it was", "path", f.file.path, "error", err)
	http.Error(w, "the file changed or is gone", http.StatusGone)
}

func (s *server) file(w http.ResponseWriter, r *http.Request) {
	f := s.find(w, r)
	if f == nil {
		return
	}
	wanted, err := oneRange(r.Header.Get("Range"), f.file.size)
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestedRangeNotSatisfiable)
		return
	}
	file, err := s.library.openFile(f.file)
	if err != nil {
		s.gone(w, f, err)
		return
	}
	defer file.Close()
	if wanted != "" {
		r.Header.Set("Range", wanted)
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", f.file.modified, file)
}

// oneRange returns a Range header of at most maxRange bytes: a longer range is answered
// by its beginning, as RFC 9110 (14.2) lets a server do. Only a file that is no larger
// needs none.
func oneRange(header string, size int64) (string, error) {
	if header == "" && size <= maxRange {
		return "", nil
	}
	var from, to int64
	wanted, ok := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(wanted, "-")
	from, err := strconv.ParseInt(first, 10, 64)
	if to = size - 1; err == nil && last != "" {
		to, err = strconv.ParseInt(last, 10, 64)
	}
	if !ok || !dash || err != nil || from < 0 || from > to || from >= size {
		return "", fmt.Errorf("want one range, such as bytes=0-%d, of the file's %d bytes", maxRange-1, size)
	}
	return fmt.Sprintf("bytes=%d-%d", from, min(to, size-1, from+maxRange-1)), nil
}
