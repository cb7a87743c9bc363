package chat

import (
	"fmt"
	"io"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protodelim"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// frame is one unit on a chat stream: one of hello, ready, text, ack, ping, refusal
// and bye, as in chat.proto.
type frame any

type (
	hello struct {
		name     string
		received uint64
	}
	ready struct{}
	text  struct {
		seq  uint64
		time int64 // milliseconds since 1970
		body string
	}
	ack     struct{ seq uint64 }
	ping    struct{}
	refusal struct {
		code   pb.ChatRefusalCode
		reason string
	}
	bye struct{}
)

// readFrame reads one frame, and checks all of its fields.
func readFrame(r protodelim.Reader) (frame, error) {
	var f pb.ChatFrame
	if err := wire.ReadFrame(r, maxFrame, &f); err != nil {
		return nil, err
	}
	return decodeFrame(&f)
}

func writeFrame(w io.Writer, f frame) error {
	return wire.WriteFrame(w, maxFrame, encodeFrame(f))
}

func encodeFrame(f frame) *pb.ChatFrame {
	switch f := f.(type) {
	case hello:
		return &pb.ChatFrame{Body: &pb.ChatFrame_Hello{Hello: &pb.ChatHello{Name: f.name, Received: f.received}}}
	case ready:
		return &pb.ChatFrame{Body: &pb.ChatFrame_Ready{Ready: &pb.ChatReady{}}}
	case text:
		return &pb.ChatFrame{Body: &pb.ChatFrame_Text{Text: encodeText(f)}}
	case ack:
		return &pb.ChatFrame{Body: &pb.ChatFrame_Ack{Ack: &pb.ChatAck{Seq: f.seq}}}
	case ping:
		return &pb.ChatFrame{Body: &pb.ChatFrame_Ping{Ping: &pb.ChatPing{}}}
	case refusal:
		return &pb.ChatFrame{Body: &pb.ChatFrame_Refusal{Refusal: &pb.ChatRefusal{Code: f.code, Reason: f.reason}}}
	case bye:
		return &pb.ChatFrame{Body: &pb.ChatFrame_Bye{Bye: &pb.ChatBye{}}}
	default:
		panic(fmt.Sprintf("no such frame: %T", f))
	}
}

func encodeText(t text) *pb.ChatText {
	return &pb.ChatText{Seq: t.seq, TimeUnixMs: t.time, Body: t.body}
}

func decodeFrame(f *pb.ChatFrame) (frame, error) {
	switch b := f.GetBody().(type) {
	case *pb.ChatFrame_Hello:
		h := hello{b.Hello.GetName(), b.Hello.GetReceived()}
		if !nameFits(h.name) {
			return nil, fmt.Errorf("%w: name of %d bytes, at most %d characters", wire.ErrMalformed, len(h.name), MaxName)
		}
		if h.received > maxSeq {
			return nil, badSeq(h.received)
		}
		return h, nil
	case *pb.ChatFrame_Ready:
		return ready{}, nil
	case *pb.ChatFrame_Text:
		return decodeText(b.Text)
	case *pb.ChatFrame_Ack:
		if seq := b.Ack.GetSeq(); seq > maxSeq {
			return nil, badSeq(seq)
		}
		return ack{b.Ack.GetSeq()}, nil
	case *pb.ChatFrame_Ping:
		return ping{}, nil
	case *pb.ChatFrame_Refusal:
		r := refusal{b.Refusal.GetCode(), b.Refusal.GetReason()}
		if len(r.reason) > maxReason {
			return nil, fmt.Errorf("%w: reason of %d bytes, at most %d", wire.ErrMalformed, len(r.reason), maxReason)
		}
		return r, nil
	case *pb.ChatFrame_Bye:
		return bye{}, nil
	default:
		return nil, fmt.Errorf("%w: no known body", wire.ErrMalformed)
	}
}

func decodeText(t *pb.ChatText) (text, error) {
	if seq := t.GetSeq(); seq == 0 || seq > maxSeq {
		return text{}, badSeq(seq)
	}
	if err := checkText(t.GetBody()); err != nil {
		return text{}, fmt.Errorf("%w: %w", wire.ErrMalformed, err)
	}
	return text{t.GetSeq(), t.GetTimeUnixMs(), t.GetBody()}, nil
}

func badSeq(seq uint64) error { return fmt.Errorf("%w: number %d", wire.ErrMalformed, seq) }

func checkText(s string) error {
	switch {
	case len(s) > MaxText:
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLong, len(s), MaxText)
	case s == "" || !utf8.ValidString(s):
		return ErrBadText
	default:
		return nil
	}
}
