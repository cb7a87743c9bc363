package bootstrap

import (
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// encoder tells of an entry at a time.
type encoder func(*entry, time.Time) *pb.DirectoryEntry

// page takes as many entries as there is room for, one at the least, and returns how
// many those are.
func (s *Server) page(entries []entry, revision uint64, room int, encode encoder) (page *pb.DirectoryPage, taken int) {
	page = &pb.DirectoryPage{Epoch: s.epoch, Revision: revision}
	size, now := 0, time.Now()
	for ; taken < len(entries); taken++ {
		e := encode(&entries[taken], now)
		if size += proto.Size(e) + entryOverhead; size > room && taken > 0 {
			break
		}
		page.Entries = append(page.Entries, e)
	}
	return page, taken
}

// entryOverhead is what an entry costs a page besides itself: tag and length.
const entryOverhead = 4

// sendList sends all that may be listed, or that too many are being sent, and returns
// the revision at which it is current. For a watch, the journal goes on from there.
func (s *Server) sendList(conn network.Conn, out *replies, watch bool) (revision uint64, err error) {
	leave, ok := s.lists.admit(origin(conn.RemoteMultiaddr()))
	if !ok {
		s.counts.busy.Add(1)
		return 0, busy(listsRetry)
	}
	defer leave()
	all, release := s.snapshot()
	defer release()
	if watch && !s.journal.goesOn(all.revision) {
		s.counts.busy.Add(1)
		return 0, busy(listsRetry)
	}
	return all.revision, s.sendPages(out, all.entries, all.revision, encodeEntry)
}

// sendOwnList sends what this server itself was told.
func (s *Server) sendOwnList(out *replies) (revision uint64, err error) {
	entries, revision := s.ownSnapshot()
	return revision, s.sendPages(out, entries, revision, encodeOwn)
}

// sendPages sends a list.
func (s *Server) sendPages(out *replies, entries []entry, revision uint64, encode encoder) error {
	out.over = time.Now().Add(pagesTimeout)
	defer func() { out.over = time.Time{} }()
	for last := false; !last; {
		page, taken := s.page(entries, revision, tellBytes, encode)
		entries = entries[taken:]
		last = len(entries) == 0
		page.Last = last
		if err := out.send(&pb.DirectoryResponse{Body: &pb.DirectoryResponse_Page{Page: page}}); err != nil {
			return err
		}
	}
	return out.flush()
}
