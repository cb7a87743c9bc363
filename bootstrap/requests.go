package bootstrap

import (
	"context"
	"net/netip"
	"slices"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// register sends a claim.
func (l *link) register(ctx context.Context, c *claim) (lease time.Duration, fresh bool, err error) {
	resp, err := l.call(ctx, c.name, &pb.DirectoryRequest{Body: &pb.DirectoryRequest_Register{
		Register: &pb.DirectoryRegister{Record: c.sealed},
	}})
	if err != nil {
		return 0, false, err
	}
	return granted(resp)
}

func (l *link) renew(ctx context.Context, name string) (time.Duration, error) {
	resp, err := l.call(ctx, name, &pb.DirectoryRequest{Body: &pb.DirectoryRequest_Renew{
		Renew: &pb.DirectoryRenew{Name: name},
	}})
	if err != nil {
		return 0, err
	}
	lease, _, err := granted(resp)
	return lease, err
}

// granted bounds a lease from below, so that no server makes its clients hurry.
func granted(resp *pb.DirectoryResponse) (time.Duration, bool, error) {
	g := resp.GetGranted()
	if g == nil {
		return 0, false, malformed("an answer of another kind")
	}
	return max(span(g.GetLeaseMs()), 100*time.Millisecond), g.GetFresh(), nil
}

// remove sends a claim that gives a name up.
func (l *link) remove(ctx context.Context, c *claim) error {
	resp, err := l.call(ctx, c.name, &pb.DirectoryRequest{Body: &pb.DirectoryRequest_Remove{
		Remove: &pb.DirectoryRemove{Record: c.sealed},
	}})
	if err == nil && resp.GetRemoved() == nil {
		return malformed("an answer of another kind")
	}
	return err
}

func (l *link) lookup(ctx context.Context, name string, key nameKey) (entry, error) {
	resp, err := l.call(ctx, name, &pb.DirectoryRequest{Body: &pb.DirectoryRequest_Lookup{
		Lookup: &pb.DirectoryLookup{Name: name},
	}})
	if err != nil {
		return entry{}, err
	}
	e, err := l.entry(resp.GetEntry())
	if err == nil && e.claim.key != key {
		return entry{}, malformed("an answer to another name")
	}
	return e, err
}

func (l *link) sample(ctx context.Context) ([]entry, error) {
	resp, err := l.call(ctx, "", &pb.DirectoryRequest{Body: &pb.DirectoryRequest_Sample{
		Sample: &pb.DirectorySample{Max: maxSample},
	}})
	if err != nil {
		return nil, err
	}
	if resp.GetPage() == nil {
		return nil, malformed("an answer of another kind")
	}
	return l.entries(nil, resp.GetPage()), nil
}

// list reads all registrations, over a stream of its own.
func (l *link) list(caller context.Context) ([]entry, error) {
	ctx, cancel := context.WithTimeout(caller, listTimeout)
	defer cancel()
	begun := time.Now()
	entries, err := l.readList(ctx)
	if err := l.outcome(caller, time.Since(begun), err); err != nil {
		return nil, err
	}
	return entries, nil
}

func (l *link) readList(ctx context.Context) ([]entry, error) {
	t, err := l.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = t.stream.Reset() }()
	stop := context.AfterFunc(ctx, func() { _ = t.stream.Reset() })
	defer stop()
	err = t.send(&pb.DirectoryRequest{Network: l.client.network, Body: &pb.DirectoryRequest_List{List: &pb.DirectoryList{}}})
	if err != nil {
		return nil, err
	}
	return l.pages(t)
}

// pages reads registrations up to the last page.
func (l *link) pages(t *talk) ([]entry, error) {
	var entries []entry
	listed := 0 // sound or not
	for {
		resp, err := t.receive(messageTimeout)
		if err != nil {
			return nil, err
		}
		if e := resp.GetError(); e != nil {
			return nil, decodeError(e, "", time.Now())
		}
		page := resp.GetPage()
		if page == nil {
			return nil, malformed("an answer of another kind")
		}
		entries = l.entries(entries, page)
		if listed += len(page.GetEntries()); listed > maxListed {
			return nil, malformed("a list without an end")
		}
		if page.GetLast() {
			return entries, nil
		}
		if len(page.GetEntries()) == 0 {
			return nil, malformed("an empty page")
		}
	}
}

// entries appends those of a page that are what they claim to be.
func (l *link) entries(entries []entry, page *pb.DirectoryPage) []entry {
	var bad error
	for _, p := range page.GetEntries() {
		e, err := l.entry(p)
		if err != nil {
			bad = err
			continue
		}
		entries = append(entries, e)
	}
	if bad != nil {
		l.client.log.Warn("a bootstrap server hands out bad records", "server", l.info.ID, "err", bad)
	}
	return entries
}

// entry verifies an entry.
func (l *link) entry(p *pb.DirectoryEntry) (entry, error) {
	e, err := decodeEntry(p, l.client.network, time.Now())
	if err != nil {
		return entry{}, err
	}
	l.localise(&e)
	return e, nil
}

// localise leaves out addresses that lead nowhere from here: a server on the public
// internet cannot know peers on this machine or link.
func (l *link) localise(e *entry) {
	if l.public() {
		c := *e.claim
		c.addrs = slices.DeleteFunc(slices.Clone(c.addrs), local)
		e.claim = &c
	}
}

// public reports whether the server is reached over a public address.
func (l *link) public() bool {
	for _, c := range l.client.host.Network().ConnsToPeer(l.info.ID) {
		if manet.IsPublicAddr(c.RemoteMultiaddr()) {
			return true
		}
	}
	return false
}

func local(a ma.Multiaddr) bool {
	ip, err := manet.ToIP(a)
	if err != nil {
		return false
	}
	addr, ok := netip.AddrFromSlice(ip)
	return !ok || addr.IsLoopback() || addr.IsLinkLocalUnicast() || addr.IsUnspecified()
}
