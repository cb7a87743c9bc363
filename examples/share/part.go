package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"lukechampine.com/blake3"

	"github.com/grapevine-p2p/grapevine/internal/durable"
)

// What is put behind a download's name while it is not whole.
const (
	partSuffix  = ".part"
	stateSuffix = ".part.state"
)

var (
	errOtherPart = errors.New("there is an unfinished download of another file under that name")
	errPart      = errors.New("what was on disk is not what was written: begun anew the next time")
)

// part is a file that is not whole yet, and which of its ranges are: NAME.part and
// NAME.part.state. A range that the state names is on disk, whatever crashes. It is for
// one goroutine at a time.
type part struct {
	id   contentID
	size int64
	dest string
	file *os.File

	done    []byte // a bit for each range
	unsaved int    // ranges
}

// partState is the file NAME.part.state.
type partState struct {
	ID    string `json:"id"`
	Size  int64  `json:"size"`
	Range int64  `json:"range"`
	Done  string `json:"done"` // a bit for each range, in hexadecimal
}

// openPart goes on with the download of a file to dest, or begins it.
func openPart(id contentID, size int64, dest string, force bool) (*part, error) {
	p := &part{id: id, size: size, dest: dest}
	p.done = make([]byte, (p.ranges()+7)/8)
	if err := p.loadState(force); err != nil {
		return nil, err
	}
	var err error
	if p.file, err = os.OpenFile(dest+partSuffix, os.O_RDWR|os.O_CREATE, 0o644); err != nil {
		return nil, err
	}
	return p, nil
}

// loadState reads which ranges are there. Without a part, or without a readable state,
// none are.
func (p *part) loadState(force bool) error {
	if !exists(p.dest + partSuffix) {
		return nil
	}
	s, err := readState(p.dest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && s.ID != p.id.String() {
		err = errOtherPart
	}
	if err != nil && !force {
		return fmt.Errorf("go on with %q: %w; --force begins anew", p.dest+partSuffix, err)
	}
	done, broken := hex.DecodeString(s.Done)
	if err == nil && broken == nil && s.Size == p.size && s.Range == maxRange && len(done) == len(p.done) {
		p.done = done
	}
	return nil
}

// ranges is the number of ranges that the file consists of.
func (p *part) ranges() int { return int((p.size + maxRange - 1) / maxRange) }

// bounds is the place of a range.
func (p *part) bounds(i int) (offset, length int64) {
	offset = int64(i) * maxRange
	return offset, min(maxRange, p.size-offset)
}

func (p *part) has(i int) bool { return p.done[i/8]&(1<<(i%8)) != 0 }

// missing lists the ranges that are not there.
func (p *part) missing() (out []int) {
	for i := range p.ranges() {
		if !p.has(i) {
			out = append(out, i)
		}
	}
	return out
}

// have is the number of bytes that are there.
func (p *part) have() (bytes int64) {
	for i := range p.ranges() {
		if p.has(i) {
			_, length := p.bounds(i)
			bytes += length
		}
	}
	return bytes
}

// write puts a verified range in its place, and makes durable what came from time to
// time; saved tells that it did.
func (p *part) write(i int, data []byte) (saved bool, err error) {
	offset, _ := p.bounds(i)
	if _, err := p.file.WriteAt(data, offset); err != nil {
		return false, err
	}
	p.done[i/8] |= 1 << (i % 8)
	if p.unsaved++; p.unsaved < saveRanges {
		return false, nil
	}
	p.unsaved = 0
	return true, p.save()
}

// save makes the ranges durable, and then the state that names them.
func (p *part) save() error {
	if err := p.file.Sync(); err != nil {
		return err
	}
	raw, err := json.Marshal(partState{ID: p.id.String(), Size: p.size, Range: maxRange, Done: hex.EncodeToString(p.done)})
	if err != nil {
		return err
	}
	return durable.WriteFile(durable.OS{}, p.dest+stateSuffix, append(raw, '\n'), durable.PrivatePerm)
}

// close keeps an unfinished download for the next time.
func (p *part) close() error {
	return errors.Join(p.save(), p.file.Close())
}

// finish checks the whole file once more, as it is on disk, and gives it its name.
func (p *part) finish() error {
	err := p.file.Truncate(p.size) // an older part may have been longer
	if err == nil {
		err = p.file.Sync()
	}
	if err == nil {
		err = p.verify()
	}
	if err = errors.Join(err, p.file.Close()); err != nil {
		if errors.Is(err, errPart) {
			err = errors.Join(err, os.Remove(p.dest+stateSuffix))
		}
		return err
	}
	if err := os.Rename(p.dest+partSuffix, p.dest); err != nil {
		return err
	}
	if err := (durable.OS{}).SyncDir(filepath.Dir(p.dest)); err != nil {
		return err
	}
	if err := os.Remove(p.dest + stateSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (p *part) verify() error {
	h := blake3.New(len(p.id), nil)
	if _, err := io.Copy(h, io.NewSectionReader(p.file, 0, p.size)); err != nil {
		return err
	}
	if contentID(h.Sum(nil)) != p.id {
		return errPart
	}
	return nil
}

// unfinished finds the download of a file in a folder that an earlier run began.
func unfinished(folder string, id contentID) (dest string, ok bool) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return "", false
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), stateSuffix)
		if !ok || name == "" || !e.Type().IsRegular() {
			continue
		}
		dest := filepath.Join(folder, name)
		if s, err := readState(dest); err == nil && s.ID == id.String() && !exists(dest) && exists(dest+partSuffix) {
			return dest, true
		}
	}
	return "", false
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

func readState(dest string) (s partState, err error) {
	raw, err := durable.ReadFile(durable.OS{}, dest+stateSuffix, maxState)
	if err == nil {
		err = json.Unmarshal(raw, &s)
	}
	return s, err
}
