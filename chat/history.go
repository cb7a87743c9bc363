package chat

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/durable"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// Message is one text of a conversation.
type Message struct {
	Seq       uint64  // numbers the author's messages in this conversation
	From      peer.ID // the author
	Text      string  // as the author wrote it: sanitise it before showing it
	Written   time.Time
	Stored    time.Time
	Delivered bool // of our own messages: the other side has it durably
}

// history is what is kept of one conversation. With a file it is durable, without
// one it is only the numbers. It is safe for concurrent use.
type history struct {
	fsys       durable.FS
	file       string // "": nothing is kept
	self, peer peer.ID
	logger     *slog.Logger

	mu        sync.Mutex
	log       *durable.Log
	broken    bool // the log takes nothing more until it is opened again
	closed    bool
	sent      uint64 // the highest number of our texts
	received  uint64 // the highest number of theirs
	delivered uint64 // the highest number of ours that they have, in the file
	acked     uint64 // the same, as they said
}

// kept is what turns up in a history file.
type kept struct {
	ours   []text // not acknowledged
	theirs []text // not shown
}

// ready opens the file and returns the texts of ours in it that were not acknowledged.
// After an error it opens the file again, and returns the texts that turn out to be
// kept although keeping them failed.
func (h *history) ready() (found kept, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return kept{}, ErrClosed
	}
	if h.file == "" || (h.log != nil && !h.broken) {
		return kept{}, nil
	}
	again, sent, received := h.broken, h.sent, h.received
	if h.log != nil {
		_ = h.log.Close() // what failed before has been told
		h.log = nil
	}
	log, repair, err := durable.OpenLog(h.fsys, h.file)
	if err != nil {
		return kept{}, fmt.Errorf("open history: %w", err)
	}
	if repair.Damaged() {
		h.logger.Warn("history was damaged; messages are lost", "file", h.file, "bytes", repair.Lost, "copy", repair.Quarantine)
	}
	for record, err := range log.Records() {
		if err != nil {
			return kept{}, errors.Join(fmt.Errorf("read history: %w", err), log.Close())
		}
		var e pb.ChatEntry
		if err := proto.Unmarshal(record, &e); err != nil {
			h.logger.Warn("history entry skipped", "file", h.file, "error", err)
			continue
		}
		h.count(&e)
		switch b := e.GetBody().(type) {
		case *pb.ChatEntry_Received:
			if again && b.Received.GetSeq() > received {
				found.theirs = append(found.theirs, storedText(b.Received))
			}
		case *pb.ChatEntry_Sent:
			if !again || b.Sent.GetSeq() > sent {
				found.ours = append(found.ours, storedText(b.Sent))
			}
		case *pb.ChatEntry_Delivered:
			found.ours = slices.DeleteFunc(found.ours, func(t text) bool { return t.seq <= b.Delivered.GetSeq() })
		}
	}
	h.log, h.broken = log, false
	return found, nil
}

func storedText(t *pb.ChatText) text { return text{t.GetSeq(), t.GetTimeUnixMs(), t.GetBody()} }

// count is called with mu held.
func (h *history) count(e *pb.ChatEntry) {
	h.sent = max(h.sent, e.GetSent().GetSeq())
	h.received = max(h.received, e.GetReceived().GetSeq())
	h.delivered = max(h.delivered, e.GetDelivered().GetSeq())
}

// append returns when the entries are durable.
func (h *history) append(entries ...*pb.ChatEntry) error {
	now := time.Now().UnixMilli()
	records := make([][]byte, len(entries))
	for i, e := range entries {
		e.StoredUnixMs = now
		var err error
		if records[i], err = proto.Marshal(e); err != nil {
			return fmt.Errorf("encode history entry: %w", err)
		}
	}
	h.mu.Lock()
	log := h.log
	h.mu.Unlock()
	if h.file != "" {
		err := errors.New("history is not open")
		if log != nil {
			err = log.Append(records...)
		}
		if err != nil {
			h.mu.Lock()
			h.broken = true
			h.mu.Unlock()
			return fmt.Errorf("keep messages: %w", err)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range entries {
		h.count(e)
	}
	return nil
}

func (h *history) lastSent() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sent
}

// skipTo goes on numbering our texts above seq.
func (h *history) skipTo(seq uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent = max(h.sent, seq)
	h.acked = max(h.acked, seq)
}

// acknowledged notes that the other side has our texts up to seq; append makes that
// durable later.
func (h *history) acknowledged(seq uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.acked = max(h.acked, seq)
}

func (h *history) lastReceived() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.received
}

func (h *history) lastDelivered() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.delivered
}

// messages yields all that is kept, oldest first.
func (h *history) messages() iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		h.mu.Lock()
		log, delivered := h.log, max(h.delivered, h.acked)
		h.mu.Unlock()
		if log == nil {
			return
		}
		for record, err := range log.Records() {
			if err != nil {
				yield(Message{}, fmt.Errorf("read history: %w", err))
				return
			}
			var e pb.ChatEntry
			if err := proto.Unmarshal(record, &e); err != nil {
				continue // told when the history was opened
			}
			m := Message{Stored: time.UnixMilli(e.GetStoredUnixMs())}
			var t *pb.ChatText
			switch b := e.GetBody().(type) {
			case *pb.ChatEntry_Received:
				t, m.From = b.Received, h.peer
			case *pb.ChatEntry_Sent:
				t, m.From = b.Sent, h.self
				m.Delivered = t.GetSeq() <= delivered
			default:
				continue
			}
			m.Seq, m.Text, m.Written = t.GetSeq(), t.GetBody(), time.UnixMilli(t.GetTimeUnixMs())
			if !yield(m, nil) {
				return
			}
		}
	}
}

func (h *history) close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	if h.log == nil {
		return nil
	}
	err := h.log.Close()
	h.log = nil
	return err
}
