package durable

import (
	"bufio"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// The file of a log, all numbers little-endian:
//
//	header  magic "gvlog\0" | version uint16 | salt 8 bytes | CRC uint32
//	header  again, so that damage to the first does not cost the log
//	frame   length uint32 | CRC uint32 | synced uint64 | record
//	frame   ...
//
// A frame's CRC (CRC-32C) covers the salt, the length, synced and the record. With
// the salt, which no stranger knows, a record's content cannot pass for a frame when
// the file is searched for the next one after damage. synced is how much of the file
// was durable when the frame was written: it tells damage to what was acknowledged
// from a write that a crash cut short.
const (
	logMagic    = "gvlog\x00"
	logVersion  = 1
	headerLen   = 20
	headersLen  = 2 * headerLen
	frameHeader = 16
)

// errNoHeader: neither header of a log can be read.
var errNoHeader = errors.New("not a log, or its beginning is damaged")

// errBadFrame: the bytes at the reader's position are no frame.
var errBadFrame = errors.New("damaged record")

// header is the salt of a log's frames.
type header [8]byte

func newHeader() header {
	var h header
	rand.Read(h[:]) // never fails
	return h
}

// encode returns both headers.
func (h header) encode() []byte {
	one := append(make([]byte, 0, headersLen), logMagic...)
	one = binary.LittleEndian.AppendUint16(one, logVersion)
	one = append(one, h[:]...)
	one = binary.LittleEndian.AppendUint32(one, crc32.Checksum(one, castagnoli()))
	return append(one, one...)
}

// readHeader reads past both headers and returns what the first sound one says.
func readHeader(r io.Reader) (header, error) {
	var both [headersLen]byte
	n, err := io.ReadFull(r, both[:])
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return header{}, err
	}
	for at := 0; at+headerLen <= n; at += headerLen {
		one := both[at : at+headerLen]
		body, sum := one[:headerLen-4], binary.LittleEndian.Uint32(one[headerLen-4:])
		if string(one[:len(logMagic)]) != logMagic || crc32.Checksum(body, castagnoli()) != sum {
			continue
		}
		if v := binary.LittleEndian.Uint16(one[len(logMagic):]); v != logVersion {
			return header{}, fmt.Errorf("written in format %d by a newer version; this one knows %d", v, logVersion)
		}
		return header(one[len(logMagic)+2:]), nil
	}
	return header{}, errNoHeader
}

// appendFrame appends the frame of a record to buf.
func (h header) appendFrame(buf []byte, synced int64, record []byte) []byte {
	var head [frameHeader]byte
	binary.LittleEndian.PutUint32(head[:], uint32(len(record)))
	binary.LittleEndian.PutUint64(head[8:], uint64(synced))
	binary.LittleEndian.PutUint32(head[4:], h.sum(head, record))
	return append(append(buf, head[:]...), record...)
}

func (h header) sum(head [frameHeader]byte, record []byte) uint32 {
	table := castagnoli()
	sum := crc32.Update(0, table, h[:])
	sum = crc32.Update(sum, table, head[:4])
	sum = crc32.Update(sum, table, head[8:])
	return crc32.Update(sum, table, record)
}

// castagnoli has hardware support; MakeTable returns the same table each time.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// frame is one that was read. data is valid until the next read.
type frame struct {
	at     int64 // where in the file it begins
	synced int64
	data   []byte
}

// frameReader reads the frames of a log file.
type frameReader struct {
	r    *bufio.Reader
	head header
	at   int64 // position in the file
}

// newFrameReader reads a log file from its beginning.
func newFrameReader(file io.Reader, head header) *frameReader {
	r := bufio.NewReaderSize(file, frameHeader+MaxRecord)
	n, _ := r.Discard(headersLen) // a file that ends here has no frames
	return &frameReader{r: r, head: head, at: int64(n)}
}

// next returns the frame at the reader's position; io.EOF at the end of the file;
// errBadFrame, staying where it is, if there is none.
func (r *frameReader) next() (frame, error) {
	head, err := r.r.Peek(frameHeader)
	switch {
	case err == io.EOF && len(head) == 0:
		return frame{}, io.EOF
	case err == io.EOF:
		return frame{}, errBadFrame
	case err != nil:
		return frame{}, err
	}
	size := binary.LittleEndian.Uint32(head)
	if size == 0 || size > MaxRecord {
		return frame{}, errBadFrame
	}
	all, err := r.r.Peek(frameHeader + int(size))
	if err == io.EOF {
		return frame{}, errBadFrame
	}
	if err != nil {
		return frame{}, err
	}
	fixed, data := [frameHeader]byte(all), all[frameHeader:]
	if r.head.sum(fixed, data) != binary.LittleEndian.Uint32(fixed[4:]) {
		return frame{}, errBadFrame
	}
	f := frame{at: r.at, synced: int64(binary.LittleEndian.Uint64(fixed[8:])), data: data}
	r.skip(len(all))
	return f, nil
}

// skip moves on by n bytes that were peeked at.
func (r *frameReader) skip(n int) {
	n, _ = r.r.Discard(n)
	r.at += int64(n)
}

// search returns the next frame at or after the reader's position, and io.EOF if
// there is none.
func (r *frameReader) search() (frame, error) {
	for {
		f, err := r.next()
		if err != errBadFrame {
			return f, err
		}
		r.skip(1)
	}
}
