package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Bounds on what a web client may take.
const (
	readTimeout  = 10 * time.Second
	writeTimeout = 30 * time.Second
	idleTimeout  = time.Minute
	maxHeader    = 16 << 10
	// goodbye is how long answers under way may take when the server stops.
	goodbye = 2 * time.Second
)

// web is the HTTP server, or nothing when there is none.
type web struct {
	url    string
	server *http.Server
	done   chan error
}

// serveHTTP serves on an address until close; when ctx ends, so do the answers that
// go on and on. An address without a host means loopback; an empty one means no HTTP.
func serveHTTP(ctx context.Context, addr string, handler http.Handler, log *slog.Logger) (*web, error) {
	w := &web{}
	if addr == "" {
		return w, nil
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if host == "" {
		host = "127.0.0.1"
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("serve HTTP on %s: %w", net.JoinHostPort(host, port), simpler(err, "--http"))
	}
	w.url = "http://" + l.Addr().String()
	w.serve(ctx, l, handler, log)
	return w, nil
}

func (w *web) serve(ctx context.Context, l net.Listener, handler http.Handler, log *slog.Logger) {
	w.server = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader,
		BaseContext:    func(net.Listener) context.Context { return ctx },
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	w.done = make(chan error, 1)
	go func() { w.done <- w.server.Serve(l) }()
}

func (w *web) close() error {
	if w.server == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	err := w.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = w.server.Close()
	}
	if served := <-w.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
