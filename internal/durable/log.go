package durable

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"
	"sync"
)

// ErrRecordSize is returned for a record that is empty or over [MaxRecord].
var ErrRecordSize = errors.New("record size out of range")

// Log is an append-only file of records. A record is durable when [Log.Append]
// returns; many appends at once share a sync. It is safe for concurrent use.
//
// Once writing has failed, the log takes nothing more: what the disk holds is
// known again only after it was opened anew.
type Log struct {
	fsys FS
	name string

	commit sync.Mutex // held during I/O, before mu; guards file, err, a batch's outcome
	file   File
	err    error // why nothing more is taken

	mu      sync.Mutex // guards pending; head and size are changed with both held
	pending *batch
	head    header
	size    int64 // bytes known to be durable
}

// batch is what is committed with one sync.
type batch struct {
	records [][]byte
	bytes   int
	done    bool
	err     error
}

// OpenLog opens the log in the file name, or creates it. A record cut short by a
// crash and damage by the disk are repaired, and told in Repair.
func OpenLog(fsys FS, name string) (*Log, Repair, error) {
	repair, err := repairLog(fsys, name)
	if err != nil {
		return nil, Repair{}, fmt.Errorf("open log %q: %w", name, err)
	}
	l := &Log{fsys: fsys, name: name, pending: &batch{}}
	if err := l.open(); err != nil { // not shared yet, so no lock
		return nil, Repair{}, fmt.Errorf("open log %q: %w", name, err)
	}
	return l, repair, nil
}

// Append adds records and returns when they are durable, in their order, with
// those of one call next to each other. After an error, or a crash before it
// returns, a prefix of them may be there.
func (l *Log) Append(records ...[]byte) error {
	size := 0
	for _, r := range records {
		if len(r) == 0 || len(r) > MaxRecord {
			return fmt.Errorf("append to log %q: %w: %d bytes", l.name, ErrRecordSize, len(r))
		}
		size += frameHeader + len(r)
	}
	if len(records) == 0 {
		return nil
	}
	for {
		l.mu.Lock()
		b := l.pending
		if b.bytes == 0 || b.bytes+size <= maxBatch {
			b.records = append(b.records, records...)
			b.bytes += size
			l.mu.Unlock()
			return l.flush(b)
		}
		l.mu.Unlock()
		_ = l.flush(b) // those whose batch it is are told
	}
}

// flush commits b, unless another goroutine that waited for it did already.
func (l *Log) flush(b *batch) error {
	l.commit.Lock()
	defer l.commit.Unlock()
	if !b.done {
		l.mu.Lock()
		l.pending = &batch{} // b is complete
		l.mu.Unlock()
		b.err = l.write(b)
		b.done = true
	}
	return b.err
}

// write is called with commit held.
func (l *Log) write(b *batch) error {
	if l.err != nil {
		return fmt.Errorf("append to log %q: %w", l.name, l.err)
	}
	buf := make([]byte, 0, b.bytes)
	for _, r := range b.records {
		buf = l.head.appendFrame(buf, l.size, r)
	}
	_, err := l.file.Write(buf)
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		l.err = fmt.Errorf("stopped by an earlier error: %w", err)
		return fmt.Errorf("append to log %q: %w", l.name, err)
	}
	l.mu.Lock()
	l.size += int64(len(buf))
	l.mu.Unlock()
	return nil
}

// Records reads what is durable at the call, from the oldest. The slices are the
// caller's own.
func (l *Log) Records() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		l.mu.Lock()
		size, head := l.size, l.head
		f, err := l.fsys.Open(l.name)
		l.mu.Unlock()
		if err != nil {
			yield(nil, fmt.Errorf("read log %q: %w", l.name, err))
			return
		}
		defer f.Close()
		r := newFrameReader(io.NewSectionReader(f, 0, size), head)
		for {
			rec, err := r.next()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(nil, fmt.Errorf("read log %q: %w", l.name, err))
				return
			}
			if !yield(slices.Clone(rec.data), nil) {
				return
			}
		}
	}
}

// Size returns the number of bytes that the log takes, all of them durable.
func (l *Log) Size() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.size
}

// Rewrite replaces all records, at once: whatever happens, the log holds the old
// ones or the new. It is how a log is compacted: records may come from
// [Log.Records], but must not append, for appends wait meanwhile.
func (l *Log) Rewrite(records iter.Seq2[[]byte, error]) error {
	l.commit.Lock()
	defer l.commit.Unlock()
	if l.err != nil {
		return fmt.Errorf("rewrite log %q: %w", l.name, l.err)
	}
	p, err := writeLog(l.fsys, l.name, records)
	if err != nil {
		return fmt.Errorf("rewrite log %q: %w", l.name, err)
	}
	l.mu.Lock() // no reader may open one file and take the size of the other
	defer l.mu.Unlock()
	// Closed first, because Windows does not replace an open file.
	err = l.file.Close()
	if err != nil {
		err = errors.Join(err, p.Abort())
	} else {
		err = p.Commit()
	}
	if err == nil {
		err = l.open()
	}
	if err != nil {
		l.file = nil
		l.err = fmt.Errorf("stopped by an earlier error: %w", err)
		return fmt.Errorf("rewrite log %q: %w", l.name, err)
	}
	return nil
}

// Close waits for appends under way and closes the file. Later appends fail with
// fs.ErrClosed.
func (l *Log) Close() error {
	l.commit.Lock()
	defer l.commit.Unlock()
	l.err = fs.ErrClosed
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}

// open readies a sound file for appending, and makes durable what a process killed
// before its sync may have left in the system's memory only.
func (l *Log) open() error {
	f, err := l.fsys.Open(l.name)
	if err != nil {
		return err
	}
	head, err := readHeader(bufio.NewReader(f))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	file, err := l.fsys.Append(l.name)
	if err != nil {
		return err
	}
	err = file.Sync()
	info, statErr := l.fsys.Stat(l.name)
	if err := errors.Join(err, statErr); err != nil {
		return errors.Join(err, file.Close())
	}
	l.file, l.head, l.size = file, head, info.Size()
	return nil
}
