package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/backup"
	"github.com/grapevine-p2p/grapevine/chat"
	"github.com/grapevine-p2p/grapevine/examples/internal/program"
	"github.com/grapevine-p2p/grapevine/internal/display"
)

// replicas is the number of copies of the folder.
const replicas = 3

// story is what the tour tells, step by step.
type story struct {
	out     *program.Output
	world   *world
	folder  string
	temp    string
	started time.Time
	step    int

	key     backup.Key
	receipt backup.Receipt
	files   map[string]string // hash by path, of what is backed up
}

func names() []string {
	return []string{"ana", "bruno", "clara", "david", "elsa", "fabio", "gina", "hugo"}
}

// tell prints one step: a heading and what happened.
func (s *story) tell(event string, since time.Time, fields program.Fields, lines ...string) {
	s.step++
	fields["step"] = s.step
	fields["seconds"] = seconds(time.Since(since))
	text := fmt.Sprintf("%d. %s", s.step, lines[0])
	for _, l := range lines[1:] {
		text += "\n   " + strings.ReplaceAll(l, "\n", "\n   ")
	}
	s.out.Print(event, fields, "%s", text)
	s.out.Detail("")
}

func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

func (s *story) startServers(ctx context.Context) error {
	began := time.Now()
	const count = 3
	lines := []string{
		fmt.Sprintf("A bootstrap server starts and admits %d more.", count-1),
		"They grant names as one, by a majority, so that one may be lost.",
	}
	var addrs []string
	for range count {
		if err := s.world.addServer(ctx); err != nil {
			return err
		}
	}
	for _, info := range s.world.contacts() {
		full, err := peer.AddrInfoToP2pAddrs(&info)
		if err != nil {
			return err
		}
		addrs = append(addrs, full[0].String())
		lines = append(lines, fmt.Sprintf("%s at %s", display.Fingerprint(info.ID.String()), info.Addrs[0]))
	}
	s.tell("servers", began, program.Fields{"servers": addrs}, lines...)
	return nil
}

func (s *story) startPeers(ctx context.Context) error {
	began := time.Now()
	for _, name := range names() {
		p, err := s.world.newPerson(name, backup.WithQuota(quota))
		if err != nil {
			return err
		}
		if err := p.enter(ctx); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := s.until(ctx, "all peers form one overlay", s.world.whole); err != nil {
		return err
	}
	online, _, err := s.world.peers[0].directory.List(ctx)
	if err != nil {
		return err
	}
	var neighbours int
	var messages uint64
	for _, p := range s.world.peers {
		messages += p.node.Traffic().Sent
	}
	for _, linked := range s.world.links() {
		neighbours += len(linked)
	}
	count := len(s.world.peers)
	s.tell("peers", began, program.Fields{
		"peers": count, "registered": len(online), "links": neighbours / 2, "neighbours_mean": float64(neighbours) / float64(count), "messages": messages,
	},
		fmt.Sprintf("%d peers register their names and enter.", count),
		fmt.Sprintf("One overlay of %d links, %.1f neighbours each, after %d messages and %.1f s.",
			neighbours/2, float64(neighbours)/float64(count), messages, time.Since(began).Seconds()),
		draw(s.world))
	return nil
}

func (s *story) chat(ctx context.Context) error {
	began := time.Now()
	ana, bruno := s.world.peers[0], s.world.peers[1]
	out, err := ana.chat.Open(ctx, "bruno")
	if err != nil {
		return err
	}
	back, err := bruno.chat.Open(ctx, "ana")
	if err != nil {
		return err
	}
	lines := []string{
		"ana looks bruno up by name and talks with him, peer to peer.",
		"Then every bootstrap server stops, and they go on.",
	}
	// out is ana's side of the conversation, and its name is bruno; back is bruno's.
	say := func(from, to *chat.Conversation, text string) error {
		took, err := deliver(ctx, from, to, text)
		if err == nil {
			lines = append(lines, fmt.Sprintf("%-6s %-29s on %s's disk, acknowledged in %s", to.Name()+":", text, from.Name(), ms(took)))
		}
		return err
	}
	if err := errors.Join(
		say(out, back, "olá, are you there?"),
		say(back, out, "yes, with nothing in between"),
	); err != nil {
		return err
	}
	stopped := len(s.world.servers)
	if err := s.world.stopServers(); err != nil {
		return err
	}
	lines = append(lines, fmt.Sprintf("-- %d of %d bootstrap servers stopped --", stopped, stopped))
	if err := errors.Join(
		say(out, back, "the servers are gone"),
		say(back, out, "and we did not need them"),
	); err != nil {
		return err
	}
	s.tell("chat", began, program.Fields{"messages_delivered": 4, "servers_stopped": stopped}, lines...)
	return nil
}

// deliver sends a text and waits for the acknowledgement and for its arrival.
func deliver(ctx context.Context, from, to *chat.Conversation, text string) (time.Duration, error) {
	began := time.Now()
	out, err := from.Send(ctx, text)
	if err != nil {
		return 0, err
	}
	if err := out.Wait(ctx, chat.Delivered); err != nil {
		return 0, err
	}
	took := time.Since(began)
	for message, err := range to.Messages(ctx) {
		if err != nil {
			return 0, err
		}
		if message.Text != text {
			return 0, fmt.Errorf("%q arrived instead of %q", message.Text, text)
		}
		return took, nil
	}
	return 0, fmt.Errorf("%q did not arrive", text)
}

func (s *story) backUp(ctx context.Context) error {
	began := time.Now()
	var err error
	owner := s.world.peers[0]
	s.key = owner.backup.Key()
	s.receipt, err = owner.backup.Put(ctx, s.folder, backup.PutOptions{Replicas: replicas})
	if err != nil {
		return err
	}
	r := s.receipt
	if len(r.Holders) != replicas {
		return fmt.Errorf("%d replicas confirmed, not %d", len(r.Holders), replicas)
	}
	s.tell("backup", began, program.Fields{
		"id": r.ID.String(), "files": r.Files, "bytes": r.Size, "sealed_bytes": r.Sealed, "sent_bytes": r.Sent, "holders": s.names(r.Holders),
	},
		fmt.Sprintf("ana backs up %s: %d files, %d bytes.", filepath.Base(s.folder), r.Files, r.Size),
		fmt.Sprintf("They are sealed into %d bytes before they leave her.", r.Sealed),
		fmt.Sprintf("blob %s", r.ID.Short()),
		fmt.Sprintf("ana -> %s   each stores while it passes on", strings.Join(s.names(r.Holders), " -> ")),
		fmt.Sprintf("%d copies are durable after %.2f s. Her uplink carried %.2f of one copy.", len(r.Holders), time.Since(began).Seconds(), float64(r.Sent)/float64(r.Sealed)))
	return nil
}

func (s *story) names(ids []peer.ID) (out []string) {
	for _, id := range ids {
		out = append(out, s.world.name(id))
	}
	return out
}

// disaster cuts off the owner and all holders but one, without a goodbye.
func (s *story) disaster(ctx context.Context) error {
	began := time.Now()
	lost := []*person{s.world.peers[0]}
	for _, id := range s.receipt.Holders[:len(s.receipt.Holders)-1] {
		lost = append(lost, s.world.find(id))
	}
	var gone []string
	for _, p := range lost {
		s.world.cutOff(p)
		gone = append(gone, p.name)
	}
	unaware := func() bool { // somebody still counts on a peer that is gone
		for _, p := range s.world.alive() {
			for _, n := range p.node.Neighbours() {
				if q := s.world.find(n.ID); q != nil && q.cut {
					return true
				}
			}
		}
		return false
	}
	if err := s.until(ctx, "the others notice and are one overlay", func() bool { return !unaware() && s.world.whole() }); err != nil {
		return err
	}
	s.tell("disaster", began, program.Fields{"cut": gone, "alive": len(s.world.alive()), "noticed_seconds": seconds(time.Since(began))},
		fmt.Sprintf("Disaster: %s are cut off, without a goodbye.", strings.Join(gone, ", ")),
		fmt.Sprintf("One holder is left. The other %d notice it and close the gaps within %.1f s:", len(s.world.alive()), time.Since(began).Seconds()),
		draw(s.world))
	return nil
}

// restore brings the folder back on a new peer that has the key and one address.
func (s *story) restore(ctx context.Context) error {
	began := time.Now()
	last := s.receipt.Holders[len(s.receipt.Holders)-1]
	alive := s.world.alive()
	door := alive[slices.IndexFunc(alive, func(p *person) bool { return p.host.ID() != last })]
	nova, err := s.world.newPerson("nova", backup.WithKey(s.key))
	if err != nil {
		return err
	}
	if _, err := nova.node.Join(ctx, door.node.AddrInfo()); err != nil {
		return err
	}
	entry, err := nova.backup.Find(ctx, filepath.Base(s.folder))
	if err != nil {
		return err
	}
	var holders []string
	var hops int
	var took time.Duration
	for h, err := range nova.backup.Locate(ctx, entry.ID) {
		if err != nil {
			return err
		}
		holders = append(holders, s.world.name(h.Peer.ID))
		hops, took = h.Hops, h.RTT
	}
	if !slices.Equal(holders, []string{s.world.name(last)}) {
		return fmt.Errorf("located at %v, not at %s", holders, s.world.name(last))
	}
	fetch := time.Now()
	restored, err := nova.backup.Get(ctx, entry.ID, filepath.Join(s.temp, "restored"), backup.GetOptions{})
	if err != nil {
		return err
	}
	got, err := hashes(restored.Path)
	if err != nil {
		return err
	}
	if err := same(s.files, got); err != nil {
		return err
	}
	s.tell("restore", began, program.Fields{
		"through": door.name, "holders": holders, "hops": hops, "query_ms": float64(took.Microseconds()) / 1000,
		"files": len(got), "bytes": restored.Size, "restore_seconds": seconds(time.Since(fetch)), "identical": true,
	},
		fmt.Sprintf("A new peer, nova, has only ana's backup key and the address of %s.", door.name),
		fmt.Sprintf("A query finds the blob at %s, %s away, in %s.", strings.Join(holders, ", "), program.Count(hops, "link"), ms(took)),
		fmt.Sprintf("%d files, %d bytes restored in %.2f s; every SHA-256 is the same.", len(got), restored.Size, time.Since(fetch).Seconds()))
	return nil
}

func (s *story) end() {
	var sent, forwarded uint64
	for _, p := range s.world.peers {
		t := p.node.Traffic()
		sent += t.Sent
		forwarded += t.QueriesForwarded
	}
	took := time.Since(s.started)
	s.out.Print("end", program.Fields{
		"ok": true, "seconds": seconds(took), "overlay_messages": sent, "queries_forwarded": forwarded,
	}, "All of it held. %.1f s, %d overlay messages, %d of them relayed queries.", took.Seconds(), sent, forwarded)
}

// until waits until a condition holds.
func (s *story) until(ctx context.Context, what string, holds func() bool) error {
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	for !holds() {
		select {
		case <-every.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w", what, ctx.Err())
		}
	}
	return nil
}
