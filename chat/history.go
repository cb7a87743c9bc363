package chat

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"
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
	broken    bool   // the log takes nothing more until it is opened again
	sent      uint64 // the highest number of our texts
	received  uint64 // the highest number of theirs
	delivered uint64 // the highest number of ours that they have, in the file
	acked     uint64 // the same, as they said
}

// ready opens the file, or opens it again after an error. Then it returns the texts
// of the other side that turn out to be kept although keeping them failed.
func (h *history) ready() (recovered []text, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.file == "" || (h.log != nil && !h.broken) {
		return nil, nil
	}
	again, received := h.broken, h.received
	if h.log != nil {
		_ = h.log.Close() // what failed before has been told
		h.log = nil
	}
	log, repair, err := durable.OpenLog(h.fsys, h.file)
	if err != nil {
		return nil, fmt.Errorf("open history: %w", err)
	}
	if repair.Damaged() {
		h.logger.Warn("history was damaged; messages are lost", "file", h.file, "bytes", repair.Lost, "copy", repair.Quarantine)
	}
	for record, err := range log.Records() {
		if err != nil {
			return nil, errors.Join(fmt.Errorf("read history: %w", err), log.Close())
		}
		var e pb.ChatEntry
		if err := proto.Unmarshal(record, &e); err != nil {
			h.logger.Warn("history entry skipped", "file", h.file, "error", err)
			continue
		}
		h.count(&e)
		if t := e.GetReceived(); again && t.GetSeq() > received {
			recovered = append(recovered, text{t.GetSeq(), t.GetTimeUnixMs(), t.GetBody()})
		}
	}
	h.log, h.broken = log, false
	return recovered, nil
}

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
	if h.log == nil {
		return nil
	}
	err := h.log.Close()
	h.log = nil
	return err
}
