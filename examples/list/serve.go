package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/rpc"
	"sync"
	"time"
)

// serve answers calls until ctx ends, and waits for those under way.
func serve(ctx context.Context, listener net.Listener, list *DBList) error {
	defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
	server := rpc.NewServer()
	if err := server.Register(list); err != nil {
		return errors.Join(err, listener.Close())
	}
	var conns sync.WaitGroup
	defer conns.Wait()
	places := make(chan struct{}, maxConns)
	for {
		places <- struct{}{} // every conn ends within maxTime
		conn, err := listener.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		conns.Go(func() {
			defer func() { <-places }()
			defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
			server.ServeConn(bounded(conn, maxAsked))
		})
	}
}

// bounded is a conn from which at most limit bytes can be read, within maxTime.
func bounded(conn net.Conn, limit int64) io.ReadWriteCloser {
	_ = conn.SetDeadline(time.Now().Add(maxTime)) // one that fails is closed already
	return struct {
		io.Reader
		io.Writer
		io.Closer
	}{io.LimitReader(conn, limit), conn, conn}
}
