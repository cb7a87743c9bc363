package backup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"lukechampine.com/blake3"

	"github.com/grapevine-p2p/grapevine/internal/durable"
)

// spool packs a path into a file of our own and returns it open for reading, with the
// blob's ID and size. The caller calls remove.
func (s *Service) spool(ctx context.Context, path, as string, tell report) (_ *spooled, err error) {
	name := durable.TempName(s.spoolFolder()) // swept at the start
	f, err := s.fsys.Create(name, durable.PrivatePerm)
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	sp := &spooled{fsys: s.fsys, name: name}
	defer func() {
		if err != nil {
			_ = sp.remove() // the other error is told; the file is swept at the next start
		}
	}()
	hash := blake3.New(32, nil)
	out := bufio.NewWriterSize(&boundedWriter{w: io.MultiWriter(f, hash), size: &sp.size}, chunkSize)
	sp.packed, err = pack(ctx, out, s.key, path, as, tell)
	if err == nil {
		err = out.Flush()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	sp.id = BlobID(hash.Sum(nil))
	if sp.file, err = s.fsys.Open(name); err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	return sp, nil
}

// spooled is a sealed blob on our own disk.
type spooled struct {
	packed
	id   BlobID
	size int64
	file durable.File

	fsys durable.FS
	name string
}

func (sp *spooled) remove() error {
	var err error
	if sp.file != nil {
		err = sp.file.Close()
	}
	return errors.Join(err, sp.fsys.Remove(sp.name))
}

// boundedWriter counts, and refuses more than [MaxBlob].
type boundedWriter struct {
	w    io.Writer
	size *int64
}

func (b *boundedWriter) Write(p []byte) (int, error) {
	if *b.size += int64(len(p)); *b.size > MaxBlob {
		return 0, fmt.Errorf("%w: a backup has at most %d bytes once sealed: back up the folders in it one by one", ErrTooLarge, int64(MaxBlob))
	}
	return b.w.Write(p)
}
