package bootstrap

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// encoder tells of an entry at a time.
type encoder func(*entry, time.Time) *pb.DirectoryEntry

// page takes as many entries as fit a frame, and returns how many those are.
func (s *Server) page(entries []entry, revision uint64, encode encoder) (page *pb.DirectoryPage, taken int) {
	page = &pb.DirectoryPage{Epoch: s.epoch, Revision: revision}
	size, now := 0, time.Now()
	for ; taken < len(entries); taken++ {
		e := encode(&entries[taken], now)
		if size += proto.Size(e) + entryOverhead; size > pageBytes && taken > 0 {
			break
		}
		page.Entries = append(page.Entries, e)
	}
	return page, taken
}

// entryOverhead is what an entry costs a page besides itself: tag and length.
const entryOverhead = 4

// sendPages sends a list.
func (s *Server) sendPages(out *replies, entries []entry, revision uint64, encode encoder) error {
	out.over = time.Now().Add(pagesTimeout)
	defer func() { out.over = time.Time{} }()
	for last := false; !last; {
		page, taken := s.page(entries, revision, encode)
		entries = entries[taken:]
		last = len(entries) == 0
		page.Last = last
		if err := out.send(&pb.DirectoryResponse{Body: &pb.DirectoryResponse_Page{Page: page}}); err != nil {
			return err
		}
	}
	return nil
}
