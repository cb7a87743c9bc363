package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/display"
)

const (
	// maxAnswer bounds what is read of an answer: a line of each member, or of
	// progress.
	maxAnswer = 1 << 20
	// answerTime bounds the wait for an answer that no change is needed for; the
	// server may ask its fellows.
	answerTime = 15 * time.Second
)

// command asks the server that runs with the data folder.
func (c *cli) command(ctx context.Context, method, path string, body any, each func(*json.Decoder) error) error {
	if err := c.ChooseData(serverFolder); err != nil {
		return err
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialSocket(ctx, c.Data)
	}}
	defer transport.CloseIdleConnections()
	var sent io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://server"+path, sent)
	if err != nil {
		return err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, maxCommand))
		return fmt.Errorf("the server answers %s: %s", resp.Status, display.Line(string(text)))
	}
	return each(json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)))
}

// status asks who the members are.
func (c *cli) status(ctx context.Context) (s status, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	err = c.command(ctx, http.MethodGet, "/members", nil, func(in *json.Decoder) error { return in.Decode(&s) })
	return s, err
}

// change asks for a change and passes on how far it is.
func (c *cli) change(ctx context.Context, method, path string, body any, tell func(progress)) error {
	ctx, cancel := context.WithTimeout(ctx, changeTime+answerTime)
	defer cancel()
	return c.command(ctx, method, path, body, func(in *json.Decoder) error {
		for {
			var p progress
			if err := in.Decode(&p); err != nil {
				return fmt.Errorf("the server went away before the change was made; see \"bootstrap federation status\": %w", err)
			}
			if p.Error != "" {
				return errors.New(p.Error)
			}
			if p.Done {
				return nil
			}
			tell(p)
		}
	})
}
