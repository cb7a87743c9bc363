package durable

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"strconv"
)

// Repair tells what opening a log had to mend. The zero value: nothing.
type Repair struct {
	// Cut is the number of bytes cut from the end: an append that a crash
	// interrupted before it was acknowledged.
	Cut int64
	// Lost is the number of damaged bytes further in, which had been durable; the
	// records on both sides of them are kept.
	Lost int64
	// Quarantine is the name of a copy of the damaged file, made if Lost > 0.
	Quarantine string
}

// Damaged reports whether anything that had been acknowledged is lost.
func (r Repair) Damaged() bool { return r.Lost > 0 }

// repairLog leaves a sound log under the name, whatever was there.
func repairLog(fsys FS, name string) (Repair, error) {
	if _, err := fsys.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return Repair{}, replaceLog(fsys, name, func(func([]byte, error) bool) {})
	}
	s, err := survey(fsys, name)
	if err != nil || !s.damaged {
		return Repair{}, err
	}
	repair := Repair{Lost: s.lost, Cut: s.cut}
	if s.lost > 0 {
		if repair.Quarantine, err = quarantine(fsys, name); err != nil {
			return Repair{}, fmt.Errorf("set the damaged log aside: %w", err)
		}
	}
	if err := replaceLog(fsys, name, s.survivors(fsys, name)); err != nil {
		return Repair{}, fmt.Errorf("repair log: %w", err)
	}
	return repair, nil
}

// findings of a survey of a log file.
type findings struct {
	head    header
	noHead  bool
	damaged bool
	keep    int64 // frames before this are kept, what follows is cut
	lost    int64
	cut     int64
}

// survey reads the whole file. What lies before the largest synced of any frame was
// durable, so gaps there are damage; after it, everything from the first gap on was
// never acknowledged.
func survey(fsys FS, name string) (s findings, err error) {
	f, err := fsys.Open(name)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()

	in := bufio.NewReader(f)
	s.head, err = readHeader(in)
	if errors.Is(err, errNoHeader) {
		info, err := fsys.Stat(name)
		if err != nil {
			return s, err
		}
		// Even an empty file is damage: a log gets its name with its headers.
		return findings{noHead: true, damaged: true, lost: max(info.Size(), 1)}, nil
	}
	if err != nil {
		return s, err
	}

	type gap struct{ from, to int64 }
	var gaps []gap
	var durable int64
	r := newFrameReader(io.NewSectionReader(f, 0, 1<<62), s.head)
	for {
		from := r.at
		fr, err := r.search()
		if err != nil && err != io.EOF {
			return s, err
		}
		end := r.at
		if err == nil {
			end = fr.at
		}
		if end > from {
			gaps = append(gaps, gap{from, end})
		}
		if err == io.EOF {
			break
		}
		durable = max(durable, fr.synced)
	}

	s.keep = r.at
	for _, g := range gaps {
		s.damaged = true
		s.lost += max(0, min(g.to, durable)-g.from)
		if g.to > durable {
			s.keep = max(g.from, durable)
			s.cut = r.at - s.keep
			break
		}
	}
	if both := s.head.encode(); !s.damaged {
		// One header may be damaged.
		was := make([]byte, headersLen)
		if _, err := f.ReadAt(was, 0); err != nil && err != io.EOF {
			return s, err
		}
		s.damaged = string(was) != string(both)
	}
	return s, nil
}

// survivors yields the records that a repair keeps.
func (s findings) survivors(fsys FS, name string) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if s.noHead {
			return
		}
		f, err := fsys.Open(name)
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		r := newFrameReader(f, s.head)
		for {
			fr, err := r.search()
			if err == io.EOF || err == nil && fr.at >= s.keep {
				return
			}
			if !yield(fr.data, err) || err != nil {
				return
			}
		}
	}
}

// replaceLog puts a log of the records under the name, in place of what is there.
func replaceLog(fsys FS, name string, records iter.Seq2[[]byte, error]) error {
	p, err := writeLog(fsys, name, records)
	if err != nil {
		return err
	}
	return p.Commit()
}

// writeLog writes a log that waits to be committed. Every frame says that those
// before it are durable, which is so once the file has its name.
func writeLog(fsys FS, name string, records iter.Seq2[[]byte, error]) (*Pending, error) {
	p, err := NewPending(fsys, name, PrivatePerm)
	if err != nil {
		return nil, err
	}
	head := newHeader()
	w := bufio.NewWriter(p)
	n, err := w.Write(head.encode())
	at := int64(n)
	var buf []byte
	for record, recordErr := range records {
		if err = errors.Join(err, recordErr); err != nil {
			break
		}
		if len(record) == 0 || len(record) > MaxRecord {
			err = fmt.Errorf("%w: %d bytes", ErrRecordSize, len(record))
			break
		}
		buf = head.appendFrame(buf[:0], at, record)
		if _, err = w.Write(buf); err != nil {
			break
		}
		at += int64(len(buf))
	}
	if err = errors.Join(err, w.Flush()); err != nil {
		return nil, errors.Join(err, p.Abort())
	}
	return p, nil
}

// quarantine copies the file to a new one next to it and returns its name.
func quarantine(fsys FS, name string) (string, error) {
	in, err := fsys.Open(name)
	if err != nil {
		return "", err
	}
	defer in.Close()
	aside := ""
	for i := 1; ; i++ {
		aside = name + ".damaged-" + strconv.Itoa(i)
		if _, err := fsys.Stat(aside); errors.Is(err, fs.ErrNotExist) {
			break
		} else if err != nil {
			return "", err
		}
	}
	p, err := NewPending(fsys, aside, PrivatePerm)
	if err != nil {
		return "", err
	}
	if _, err := io.Copy(p, in); err != nil {
		return "", errors.Join(err, p.Abort())
	}
	return aside, p.Commit()
}
