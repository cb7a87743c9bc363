package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/datadir"
	"github.com/grapevine-p2p/grapevine/internal/durable"
)

// A running server listens on a unix socket in its folder, which is its owner's
// alone. Where the folder's path is too long for a socket's it is in a private
// folder for temporary files, and a file in the server's folder says where.
const (
	socketName = "admin.sock"
	socketPath = "admin.path"
	// maxSocket is the length of a socket's path: a socket's address has 104 bytes
	// for it on macOS and 108 on Linux, the last of them zero.
	maxSocket = 103
	// startTime is how long a server may take from locking its folder to listening.
	startTime = 5 * time.Second
)

// socket is the listening one. Close removes it.
type socket struct {
	net.Listener
	folder string // of the server
	apart  string // of the socket, if it has one of its own
}

// listenSocket opens the socket in the server's folder, which the caller has locked:
// one that is there already is a killed server's, and goes.
func listenSocket(folder string) (*socket, error) {
	s := &socket{folder: folder}
	s.clear()
	path := filepath.Join(folder, socketName)
	if len(path) > maxSocket {
		apart, err := os.MkdirTemp("", "grapevine-")
		if err != nil {
			return nil, fmt.Errorf("make a folder for the commands' socket: %w", err)
		}
		s.apart, path = apart, filepath.Join(apart, socketName)
		if err := s.point(path); err != nil {
			s.clear()
			return nil, err
		}
	}
	var err error
	if s.Listener, err = net.Listen("unix", path); err != nil {
		s.clear()
		return nil, fmt.Errorf("listen for commands: %w", err)
	}
	if err := os.Chmod(path, durable.PrivatePerm); err != nil {
		return nil, errors.Join(fmt.Errorf("listen for commands: %w", err), s.Close())
	}
	return s, nil
}

// point leaves word of where the socket is.
func (s *socket) point(path string) error {
	if len(path) > maxSocket {
		return fmt.Errorf("listen for commands: %q is too long for a socket, and so is %q; choose a shorter --data, or TMPDIR", s.folder, path)
	}
	if err := os.WriteFile(filepath.Join(s.folder, socketPath), []byte(path), durable.PrivatePerm); err != nil {
		return fmt.Errorf("listen for commands: %w", err)
	}
	return nil
}

// Close removes what listenSocket made.
func (s *socket) Close() error {
	err := s.Listener.Close()
	s.clear()
	return err
}

// clear removes a socket and its folder; what is not there is no matter, and what
// cannot be removed shows when the next one is made.
func (s *socket) clear() {
	if path, err := socketOf(s.folder); err == nil {
		_ = os.Remove(path)
		if filepath.Dir(path) != s.folder {
			_ = os.Remove(filepath.Dir(path)) // unless there is more in it
		}
	}
	if s.apart != "" {
		_ = os.Remove(s.apart)
	}
	_ = os.Remove(filepath.Join(s.folder, socketPath))
}

// socketOf tells where the socket of a server's folder is.
func socketOf(folder string) (string, error) {
	elsewhere, err := os.ReadFile(filepath.Join(folder, socketPath))
	if errors.Is(err, fs.ErrNotExist) {
		return filepath.Join(folder, socketName), nil
	}
	path := string(elsewhere)
	if err == nil && (len(path) > maxSocket || !filepath.IsAbs(path) || filepath.Base(path) != socketName) {
		err = fmt.Errorf("%q holds no path of a socket", filepath.Join(folder, socketPath))
	}
	return path, err
}

// dialSocket connects to the server that runs with a data folder. One that has just
// locked it is given the time to listen.
func dialSocket(ctx context.Context, root string) (net.Conn, error) {
	if _, err := os.Stat(filepath.Join(root, string(datadir.Server))); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%q is no data folder of a server; name the folder of the running one with --data", root)
		}
		return nil, fmt.Errorf("%w; run this as the user that runs the server", err)
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	again := time.NewTicker(startTime / 20)
	defer again.Stop()
	for {
		conn, err := tryDial(ctx, root)
		if err == nil || errors.Is(err, fs.ErrPermission) {
			return conn, err
		}
		if err := idle(root); err != nil {
			return nil, err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("the program that uses %q does not answer commands: %w; is it a server, of this version?", root, err)
		}
	}
}

func tryDial(ctx context.Context, root string) (net.Conn, error) {
	path, err := socketOf(filepath.Join(root, string(datadir.Server)))
	if err != nil {
		return nil, err
	}
	return (&net.Dialer{}).DialContext(ctx, "unix", path)
}

// idle returns an error if no program uses a data folder, as its lock tells.
func idle(root string) error {
	data, err := datadir.Open(root)
	if errors.Is(err, datadir.ErrInUse) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := data.Close(); err != nil {
		return err
	}
	quoted := root
	if strings.ContainsAny(root, " '\"\\$`") {
		quoted = fmt.Sprintf("%q", root)
	}
	return fmt.Errorf("no server runs with the data folder %q; start it with: bootstrap --data %s", root, quoted)
}
