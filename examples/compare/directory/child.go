package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/rpc"
	"os"
	"os/exec"
	"runtime/debug"
)

// roleVariable in the environment makes the program one of the processes of a
// measurement. It answers calls over its standard input and output, and ends with
// the input.
const roleVariable = "GRAPEVINE_COMPARE_ROLE"

// roles are what a process can be.
const (
	serverRole = "server"
	crowdRole  = "crowd"
)

// crowdGC lets a crowd's heap grow fivefold between collections.
const crowdGC = 400

// stdio is a process's input and output as one connection.
type stdio struct {
	io.ReadCloser
	io.WriteCloser
}

func (s stdio) Close() error { return errors.Join(s.ReadCloser.Close(), s.WriteCloser.Close()) }

// play serves a role until the input ends.
func play(role string) (err error) {
	s := rpc.NewServer()
	var part interface{ close() error }
	switch role {
	case serverRole:
		part = &Server{}
	case crowdRole:
		// Its own garbage is not what is measured, and the cores are the server's too.
		debug.SetGCPercent(crowdGC)
		part = newCrowd()
	default:
		return fmt.Errorf("unknown role %q", role)
	}
	if err := s.RegisterName(role, part); err != nil {
		return err
	}
	s.ServeConn(stdio{os.Stdin, os.Stdout})
	return part.close()
}

// child is a process that plays a role.
type child struct {
	role string
	cmd  *exec.Cmd
	rpc  *rpc.Client
}

// start begins a process. It ends when it is closed, and is killed when ctx ends.
func start(ctx context.Context, role string, stderr io.Writer) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start a %s: %w", role, err)
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start a %s: %w", role, err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start a %s: %w", role, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a %s: %w", role, err)
	}
	return &child{role, cmd, rpc.NewClient(stdio{out, in})}, nil
}

// call asks the process to do something and waits until it is done.
func (c *child) call(method string, args, reply any) error {
	if err := c.rpc.Call(c.role+"."+method, args, reply); err != nil {
		return fmt.Errorf("%s: %s: %w", c.role, method, err)
	}
	return nil
}

// close ends the process and waits for it.
func (c *child) close() error {
	return errors.Join(c.rpc.Close(), c.cmd.Wait())
}
