package bootstrap

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/grapevine-p2p/grapevine/internal/durable"
)

// leaseFile is a store of leases in a bbolt file.
type leaseFile struct{ db *bbolt.DB }

var _ leaseStore = (*leaseFile)(nil)

const (
	leaseFileName  = "leases.db"
	damagedSuffix  = ".damaged"
	lockTimeout    = time.Second // for another server to let go of the file
	maxStoredLease = maxRecord + 64
)

// The buckets of the file.
const (
	leaseBucket  = "leases"
	memberBucket = "members"
)

// content is what a file holds.
type content struct {
	leases  []leaseStep
	members []peer.AddrInfo
}

// openLeaseFile opens the file, or makes it. Each time it is written anew from what
// can be read of it, so that no damage is carried on and nothing has to be
// compacted while the server runs.
func openLeaseFile(folder string, logger *slog.Logger) (*leaseFile, error) {
	name := filepath.Join(folder, leaseFileName)
	kept, damage := readLeases(name)
	if errors.Is(damage, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("%q is in use by another server", name)
	}
	old, finish, err := readOldStore(folder, logger)
	if err != nil {
		return nil, err
	}
	kept.leases = append(kept.leases, old...)
	fresh := durable.TempName(folder)
	if err := writeLeases(fresh, kept); err != nil {
		return nil, errors.Join(err, os.Remove(fresh))
	}
	if damage != nil {
		aside, err := setAside(name)
		if err != nil {
			return nil, errors.Join(err, os.Remove(fresh))
		}
		logger.Warn("the stored registrations were damaged; what can be read is kept, peers and other servers tell the rest",
			"kept", len(kept.leases), "damaged_file", aside, "err", damage)
	}
	if err := os.Rename(fresh, name); err != nil {
		return nil, errors.Join(err, os.Remove(fresh))
	}
	if err := (durable.OS{}).SyncDir(folder); err != nil {
		return nil, err
	}
	if err := finish(); err != nil {
		return nil, err
	}
	db, err := bbolt.Open(name, 0o600, &bbolt.Options{Timeout: lockTimeout, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", name, err)
	}
	return &leaseFile{db}, nil
}

// setAside renames a damaged file to a name that is free.
func setAside(name string) (string, error) {
	for n := 1; ; n++ {
		aside := fmt.Sprintf("%s%s-%d", name, damagedSuffix, n)
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			return aside, os.Rename(name, aside)
		}
	}
}

// readLeases reads a file, or as much of it as can be read; why that is not all is
// the error.
func readLeases(name string) (kept content, damage error) {
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return content{}, nil
	}
	damage = readFile(name, func(tx *bbolt.Tx) (err error) {
		if kept.members, err = readMembers(tx); err != nil {
			return err
		}
		bucket := tx.Bucket([]byte(leaseBucket))
		if bucket == nil {
			return errors.New("there are no leases in it")
		}
		var last []byte
		cursor := bucket.Cursor()
		for key, stored := cursor.First(); key != nil; key, stored = cursor.Next() {
			id, ok := leaseOfKey(key)
			if !ok || len(stored) == 0 || len(stored) > maxStoredLease || bytes.Compare(key, last) <= 0 {
				return fmt.Errorf("key %q is out of place", shorten(string(key)))
			}
			last = bytes.Clone(key)
			kept.leases = append(kept.leases, leaseStep{id, bytes.Clone(stored)})
		}
		return nil
	})
	return kept, damage
}

// readFile reads in a bbolt file that may be damaged: bbolt panics or faults over
// pages that make no sense.
func readFile(name string, read func(*bbolt.Tx) error) (damage error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			damage = fmt.Errorf("read %q: %v", name, p)
		}
	}()
	db, err := bbolt.Open(name, 0o600, &bbolt.Options{Timeout: lockTimeout, ReadOnly: true})
	if err != nil {
		return err
	}
	defer db.Close()
	return db.View(read)
}

// writeLeases makes a file that is durable when it returns.
func writeLeases(name string, kept content) error {
	db, err := bbolt.Open(name, 0o600, &bbolt.Options{Timeout: lockTimeout})
	if err != nil {
		return fmt.Errorf("write %q: %w", name, err)
	}
	file := &leaseFile{db}
	return errors.Join(file.setMembers(kept.members), file.replace(kept.leases), db.Close())
}

func readMembers(tx *bbolt.Tx) ([]peer.AddrInfo, error) {
	bucket := tx.Bucket([]byte(memberBucket))
	if bucket == nil {
		return nil, nil
	}
	var all []peer.AddrInfo
	err := bucket.ForEach(func(_, stored []byte) error {
		var info peer.AddrInfo
		if err := info.UnmarshalJSON(bytes.Clone(stored)); err != nil {
			return fmt.Errorf("read a member: %w", err)
		}
		all = append(all, info)
		return nil
	})
	return all, err
}

func (f *leaseFile) members() (all []peer.AddrInfo, err error) {
	err = f.db.View(func(tx *bbolt.Tx) error {
		all, err = readMembers(tx)
		return err
	})
	return all, err
}

func (f *leaseFile) setMembers(all []peer.AddrInfo) error {
	return f.db.Update(func(tx *bbolt.Tx) error {
		if err := tx.DeleteBucket([]byte(memberBucket)); err != nil && !errors.Is(err, bolterrors.ErrBucketNotFound) {
			return err
		}
		bucket, err := tx.CreateBucket([]byte(memberBucket))
		if err != nil {
			return err
		}
		for _, info := range all {
			stored, err := info.MarshalJSON()
			if err != nil {
				return err
			}
			if err := bucket.Put([]byte(info.ID), stored); err != nil {
				return err
			}
		}
		return nil
	})
}

func (f *leaseFile) commit(steps []leaseStep) error {
	return f.db.Update(func(tx *bbolt.Tx) error { return carryOut(tx.Bucket([]byte(leaseBucket)), steps) })
}

func (f *leaseFile) replace(all []leaseStep) error {
	return f.db.Update(func(tx *bbolt.Tx) error {
		if err := tx.DeleteBucket([]byte(leaseBucket)); err != nil && !errors.Is(err, bolterrors.ErrBucketNotFound) {
			return err
		}
		bucket, err := tx.CreateBucket([]byte(leaseBucket))
		if err != nil {
			return err
		}
		return carryOut(bucket, all)
	})
}

func carryOut(bucket *bbolt.Bucket, steps []leaseStep) error {
	for _, s := range steps {
		key := keyOfLease(s.id)
		if s.stored == nil {
			if err := bucket.Delete(key); err != nil {
				return err
			}
			continue
		}
		if err := bucket.Put(key, s.stored); err != nil {
			return err
		}
	}
	return nil
}

func (f *leaseFile) all() iter.Seq2[leaseStep, error] {
	return func(yield func(leaseStep, error) bool) {
		stop := errors.New("enough")
		err := f.db.View(func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte(leaseBucket)).ForEach(func(key, stored []byte) error {
				id, _ := leaseOfKey(key) // as it was written
				if !yield(leaseStep{id, bytes.Clone(stored)}, nil) {
					return stop
				}
				return nil
			})
		})
		if err != nil && !errors.Is(err, stop) {
			yield(leaseStep{}, err)
		}
	}
}

func (f *leaseFile) close() error { return f.db.Close() }

// keyOfLease is the length of the peer ID, the peer ID and the name.
func keyOfLease(id leaseID) []byte {
	return append(append([]byte{byte(len(id.peer))}, id.peer...), id.key...)
}

func leaseOfKey(key []byte) (leaseID, bool) {
	if len(key) < 2 || int(key[0]) > len(key)-1 {
		return leaseID{}, false
	}
	n := 1 + int(key[0])
	return leaseID{peerID(key[1:n]), nameKey(key[n:])}, true
}
