package bootstrap

import (
	"context"
	"net/netip"
	"slices"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/grapevine-p2p/grapevine/internal/names"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// grant is what a server granted.
type grant struct {
	lease time.Duration
	term  names.Term // of the name; its span is 0 while no majority confirms it
}

// register sends a claim. Fresh tells that there was no registration before.
func (l *link) register(ctx context.Context, c *claim) (granted grant, fresh bool, err error) {
	return l.claim(ctx, c.name, &pb.DirectoryRequest{Body: &pb.DirectoryRequest_Register{
		Register: &pb.DirectoryRegister{Record: c.envelope(), Detached: l.client.detached, Self: l.self()},
	}})
}

func (l *link) renew(ctx context.Context, name string) (grant, error) {
	granted, _, err := l.claim(ctx, name, &pb.DirectoryRequest{Body: &pb.DirectoryRequest_Renew{
		Renew: &pb.DirectoryRenew{Name: name, Self: l.self()},
	}})
	return granted, err
}

// claim asks for a grant, whose term counts from before the request was sent.
func (l *link) claim(ctx context.Context, name string, req *pb.DirectoryRequest) (_ grant, fresh bool, err error) {
	began := time.Now()
	resp, err := l.call(ctx, name, req)
	if err != nil {
		return grant{}, false, err
	}
	granted, err := decodeGranted(resp.GetGranted(), began)
	return granted, resp.GetGranted().GetFresh(), err
}

// decodeGranted bounds a lease from below, so that no server makes its clients
// hurry, and a term from above.
func decodeGranted(g *pb.DirectoryGranted, began time.Time) (grant, error) {
	if g == nil {
		return grant{}, malformed("an answer of another kind")
	}
	return grant{
		lease: max(span(g.GetLeaseMs()), 100*time.Millisecond),
		term:  names.Term{Began: began, Span: min(span(g.GetTermMs()), maxTerm)},
	}, nil
}

// self is what this peer tells the server of itself, besides its record.
func (l *link) self() *pb.DirectorySelf {
	l.mu.Lock()
	out := self{rtt: l.rtt, agent: l.client.agent}
	l.mu.Unlock()
	if l.client.neighbours != nil {
		out.neighbours = l.client.neighbours()
	}
	return encodeSelf(out)
}

// remove sends a claim that gives a name up.
func (l *link) remove(ctx context.Context, c *claim) error {
	resp, err := l.call(ctx, c.name, &pb.DirectoryRequest{Body: &pb.DirectoryRequest_Remove{
		Remove: &pb.DirectoryRemove{Record: c.envelope()},
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
	entries, err := l.readList(ctx)
	if err := l.outcome(caller, err); err != nil {
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
	entries, _, err := l.pages(t)
	return entries, err
}

// pages reads registrations up to the last page, which it returns too.
func (l *link) pages(t *talk) (entries []entry, last *pb.DirectoryPage, err error) {
	listed := 0 // sound or not
	for {
		resp, err := t.receive(messageTimeout)
		if err != nil {
			return nil, nil, err
		}
		if e := resp.GetError(); e != nil {
			return nil, nil, decodeError(e, "", time.Now())
		}
		page := resp.GetPage()
		if page == nil {
			return nil, nil, malformed("an answer of another kind")
		}
		entries = l.entries(entries, page)
		if listed += len(page.GetEntries()); listed > maxListed {
			return nil, nil, malformed("a list without an end")
		}
		if page.GetLast() {
			return entries, page, nil
		}
		if len(page.GetEntries()) == 0 {
			return nil, nil, malformed("an empty page")
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

// localise leaves out addresses that lead nowhere from here.
func (l *link) localise(e *entry) {
	if l.public() {
		c := *e.claim
		c.particulars = &particulars{distant(c.addrs)}
		e.claim = &c
	}
}

// distant returns the addresses that may lead to another machine: a server on the
// public internet cannot know peers on this machine or link.
func distant(addrs []ma.Multiaddr) []ma.Multiaddr {
	return slices.DeleteFunc(slices.Clone(addrs), local)
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
