package bootstrap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// seedsPath is where a server's Handler lists its peers.
const seedsPath = "/api/peers"

// HTTPSeeds fetches contacts from the web page of a bootstrap server, for peers that
// reach no server over libp2p: the server itself, and some peers that are online, at
// random. The URL is that of the page or of its /api/peers, http or https; a nil
// client means http.DefaultClient.
//
// They are contacts and no more: nothing is signed, and who answers at an address is
// known once it was dialled. A server shows addresses to others than its own machine
// only when its operator says so; HTTPSeeds fails when it shows peers without any.
func HTTPSeeds(ctx context.Context, client *http.Client, url string) ([]peer.AddrInfo, error) {
	seeds, err := fetchSeeds(ctx, client, url)
	if err != nil {
		return nil, fmt.Errorf("fetch seeds over HTTP: %w", err)
	}
	return seeds, nil
}

func fetchSeeds(ctx context.Context, client *http.Client, page string) ([]peer.AddrInfo, error) {
	u, err := url.Parse(page)
	if err != nil {
		return nil, err
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("%q is not an http or https address", shorten(u.Redacted()))
	}
	if !strings.HasSuffix(u.Path, seedsPath) {
		u = u.JoinPath(seedsPath)
	}
	if client == nil {
		client = http.DefaultClient
	}
	ctx, cancel := context.WithTimeout(ctx, seedsTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%q answers %q", shorten(u.Redacted()), shorten(resp.Status))
	}
	seeds, err := readSeeds(io.LimitReader(resp.Body, maxSeedsBody), thisMachine(u.Hostname()))
	if err != nil {
		return nil, fmt.Errorf("%q: %w", shorten(u.Redacted()), err)
	}
	return seeds, nil
}

// thisMachine reports whether a host name is this machine's own.
func thisMachine(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.Unmap().IsLoopback()
}

// readSeeds reads the list of a server as it comes, so that what it costs is bounded
// whatever is sent. Of a list that is cut off, what came before counts. Near tells
// that addresses of this machine are meant.
func readSeeds(body io.Reader, near bool) ([]peer.AddrInfo, error) {
	s := &seeds{near: near, known: make(map[peer.ID]bool)}
	err := s.read(json.NewDecoder(body))
	all := append(s.server, s.peers...)
	switch {
	case len(all) > 0:
		return all, nil
	case err != nil:
		return nil, fmt.Errorf("%w list of peers: %w", ErrMalformed, err)
	case s.hidden > 0:
		return nil, fmt.Errorf("the server shows %d peers, but not their addresses", s.hidden)
	}
	return nil, nil
}

// seeds collects contacts.
type seeds struct {
	near   bool
	server []peer.AddrInfo
	peers  []peer.AddrInfo // a sample
	known  map[peer.ID]bool
	seen   int // peers of which these are the sample
	hidden int // peers without an address
}

func (s *seeds) read(in *json.Decoder) error {
	if err := expect(in, json.Delim('{')); err != nil {
		return err
	}
	for in.More() {
		key, err := in.Token()
		if err != nil {
			return err
		}
		switch key {
		case "addrs":
			var addrs []string
			if err := in.Decode(&addrs); err != nil {
				return err
			}
			if info, ok := s.contact(addrs); ok && len(s.server) == 0 {
				s.server = append(s.server, info)
			}
		case "peers":
			if err := s.readPeers(in); err != nil {
				return err
			}
		default:
			var other json.RawMessage
			if err := in.Decode(&other); err != nil {
				return err
			}
		}
	}
	return expect(in, json.Delim('}'))
}

func (s *seeds) readPeers(in *json.Decoder) error {
	if err := expect(in, json.Delim('[')); err != nil {
		return err
	}
	for in.More() {
		var p struct {
			Addrs    []string `json:"addrs"`
			Online   *bool    `json:"online"`
			Detached bool     `json:"detached"`
		}
		if err := in.Decode(&p); err != nil {
			return err
		}
		if p.Online != nil && !*p.Online && !p.Detached {
			continue
		}
		if len(p.Addrs) == 0 {
			s.hidden++
			continue
		}
		if info, ok := s.contact(p.Addrs); ok {
			s.sample(info)
		}
	}
	return expect(in, json.Delim(']'))
}

// sample keeps each of those seen with the same chance.
func (s *seeds) sample(info peer.AddrInfo) {
	s.seen++
	if len(s.peers) < maxSeeds {
		s.peers = append(s.peers, info)
	} else if i := rand.IntN(s.seen); i < maxSeeds {
		s.peers[i] = info
	}
}

// contact reads addresses that end in one peer's ID, and leaves out those that are
// not sound. A peer that was seen is not ok.
func (s *seeds) contact(addrs []string) (info peer.AddrInfo, ok bool) {
	for _, text := range addrs[:min(maxAddrs, len(addrs))] {
		if len(text) > 2*maxAddr { // as text they are longer
			continue
		}
		a, err := ma.NewMultiaddr(text)
		if err != nil {
			continue
		}
		one, err := peer.AddrInfoFromP2pAddr(a)
		if err != nil || len(one.Addrs) != 1 || info.ID != "" && one.ID != info.ID {
			continue
		}
		if !s.near && local(one.Addrs[0]) {
			continue
		}
		info.ID = one.ID
		info.Addrs = append(info.Addrs, one.Addrs[0])
	}
	if info.ID == "" || s.known[info.ID] {
		return peer.AddrInfo{}, false
	}
	s.known[info.ID] = true
	return info, true
}

func expect(in *json.Decoder, want json.Delim) error {
	got, err := in.Token()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err == nil && got != want {
		err = fmt.Errorf("%q where %q is expected", shorten(fmt.Sprint(got)), want)
	}
	return err
}
