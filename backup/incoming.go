package backup

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/durable"
)

// incoming is a blob that is being received, by one goroutine. Its ID and tree are
// computed beside the writing.
type incoming struct {
	store *store
	order *order

	file  *durable.Pending
	taken int64
	feed  *io.PipeWriter
	built chan builtTree
	ended bool
}

type builtTree struct {
	id   BlobID
	tree []byte
	err  error
}

// begin makes the temporary file, in the folder where the blob will be.
func (in *incoming) begin() error {
	name := in.store.path(in.order.id)
	if err := durable.MkdirAll(in.store.fsys, filepath.Dir(name), durable.PrivateDirPerm); err != nil {
		return fmt.Errorf("%w: %w", errDisk, err)
	}
	file, err := durable.NewPending(in.store.fsys, name, durable.PrivatePerm)
	if err != nil {
		return fmt.Errorf("%w: %w", errDisk, err)
	}
	in.file = file
	in.built = make(chan builtTree, 1)
	r, w := io.Pipe()
	in.feed = w
	go func() { // ends with the pipe; finish waits for it
		id, tree, err := buildTree(r, in.order.size)
		_ = r.CloseWithError(err)
		in.built <- builtTree{id, tree, err}
	}()
	return nil
}

// write takes the next piece.
func (in *incoming) write(piece []byte) error {
	if int64(len(piece)) > in.order.size-in.taken {
		return fmt.Errorf("%w: more than the %d bytes announced", errMalformed, in.order.size)
	}
	in.taken += int64(len(piece))
	if _, err := in.file.Write(piece); err != nil {
		return fmt.Errorf("%w: %w", errDisk, err)
	}
	_, err := in.feed.Write(piece)
	return err
}

// commit makes the blob durable and lets it be served. When it returns an error,
// nothing of it is left or it is swept at the next start.
func (in *incoming) commit() error {
	if in.taken < in.order.size {
		return errors.Join(io.ErrUnexpectedEOF, in.abort())
	}
	_ = in.feed.Close()
	built := <-in.built
	in.built = nil
	if built.err != nil || built.id != in.order.id {
		return errors.Join(ErrDamaged, built.err, in.abort())
	}
	if err := in.keep(built.tree); err != nil {
		return fmt.Errorf("%w: %w", errDisk, errors.Join(err, in.abort()))
	}
	s := in.store
	s.mu.Lock()
	defer s.mu.Unlock()
	in.ended = true
	s.release(in.order)
	s.add(in.order)
	return nil
}

// keep writes the tree and the order, and then gives the blob its name.
func (in *incoming) keep(tree []byte) error {
	encoded, err := proto.Marshal(in.order.signed)
	if err != nil {
		return err
	}
	name := in.store.path(in.order.id)
	if err := durable.WriteFile(in.store.fsys, name+treeSuffix, tree, durable.PrivatePerm); err != nil {
		return err
	}
	if err := durable.WriteFile(in.store.fsys, name+orderSuffix, encoded, durable.PrivatePerm); err != nil {
		return err
	}
	file := in.file
	in.file = nil // Commit removes it, whatever happens
	return file.Commit()
}

// abort drops what came and the promise. It may be called more than once, and does
// nothing after a commit.
func (in *incoming) abort() error {
	if in.ended {
		return nil
	}
	in.ended = true
	if in.built != nil {
		_ = in.feed.CloseWithError(io.ErrUnexpectedEOF)
		<-in.built
	}
	var errs []error
	s, name := in.store, in.store.path(in.order.id)
	if in.file != nil {
		errs = append(errs, in.file.Abort())
	}
	for _, suffix := range []string{"", treeSuffix, orderSuffix} {
		if _, err := s.fsys.Stat(name + suffix); err == nil {
			errs = append(errs, s.fsys.Remove(name+suffix))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.release(in.order)
	return errors.Join(errs...)
}
