package federation

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
	"go.etcd.io/bbolt"

	"github.com/grapevine-p2p/grapevine/internal/durable"
)

// boltLog keeps raft's log and votes in one bbolt file, where what is stored is
// synced. (raft-boltdb v2.3.1 does not build beside raft v1.8.0: the metrics package
// that they share dropped what it imports.)
type boltLog struct{ db *bbolt.DB }

var (
	_ raft.LogStore    = (*boltLog)(nil)
	_ raft.StableStore = (*boltLog)(nil)
)

var (
	logsBucket   = []byte("logs")
	stableBucket = []byte("stable")
)

// errNotFound has the words by which raft knows that a value was never set.
var errNotFound = errors.New("not found")

// lockTimeout bounds the wait for another process to let the file go.
const lockTimeout = 5 * time.Second

func openBoltLog(name string) (*boltLog, error) {
	db, err := bbolt.Open(name, durable.PrivatePerm, &bbolt.Options{Timeout: lockTimeout, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return nil, err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, errLogs := tx.CreateBucketIfNotExists(logsBucket)
		_, errStable := tx.CreateBucketIfNotExists(stableBucket)
		return errors.Join(errLogs, errStable)
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &boltLog{db}, nil
}

func (b *boltLog) Close() error { return b.db.Close() }

func (b *boltLog) FirstIndex() (uint64, error) { return b.end((*bbolt.Cursor).First) }

func (b *boltLog) LastIndex() (uint64, error) { return b.end((*bbolt.Cursor).Last) }

func (b *boltLog) end(seek func(*bbolt.Cursor) (k, v []byte)) (index uint64, err error) {
	err = b.db.View(func(tx *bbolt.Tx) error {
		if k, _ := seek(tx.Bucket(logsBucket).Cursor()); k != nil {
			index = binary.BigEndian.Uint64(k)
		}
		return nil
	})
	return index, err
}

func (b *boltLog) GetLog(index uint64, l *raft.Log) error {
	return b.db.View(func(tx *bbolt.Tx) error {
		value := tx.Bucket(logsBucket).Get(number(index))
		if value == nil {
			return raft.ErrLogNotFound
		}
		return decodeLog(index, value, l)
	})
}

func (b *boltLog) StoreLog(l *raft.Log) error { return b.StoreLogs([]*raft.Log{l}) }

func (b *boltLog) StoreLogs(logs []*raft.Log) error {
	return b.db.Update(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(logsBucket)
		for _, l := range logs {
			if err := bucket.Put(number(l.Index), encodeLog(l)); err != nil {
				return err
			}
		}
		return nil
	})
}

// DeleteRange deletes the entries from low to high, both included.
func (b *boltLog) DeleteRange(low, high uint64) error {
	return b.db.Update(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(logsBucket)
		cursor := bucket.Cursor()
		var keys [][]byte // for a cursor that deletes may leave keys out
		for k, _ := cursor.Seek(number(low)); k != nil && binary.BigEndian.Uint64(k) <= high; k, _ = cursor.Next() {
			keys = append(keys, k)
		}
		for _, k := range keys {
			if err := bucket.Delete(k); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *boltLog) Set(key, value []byte) error {
	return b.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(stableBucket).Put(key, value) })
}

func (b *boltLog) Get(key []byte) (value []byte, err error) {
	err = b.db.View(func(tx *bbolt.Tx) error {
		found := tx.Bucket(stableBucket).Get(key)
		if found == nil {
			return errNotFound
		}
		value = append([]byte(nil), found...)
		return nil
	})
	return value, err
}

func (b *boltLog) SetUint64(key []byte, value uint64) error { return b.Set(key, number(value)) }

func (b *boltLog) GetUint64(key []byte) (uint64, error) {
	value, err := b.Get(key)
	if err != nil {
		return 0, err
	}
	if len(value) != 8 {
		return 0, fmt.Errorf("%w: number of %d bytes", errMalformed, len(value))
	}
	return binary.BigEndian.Uint64(value), nil
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// logHeader is what stands before an entry's data: its term, when it was appended in
// Unix nanoseconds, its type, and the length of the extensions before the data.
const logHeader = 8 + 8 + 1 + 4

func encodeLog(l *raft.Log) []byte {
	b := make([]byte, 0, logHeader+len(l.Extensions)+len(l.Data))
	b = binary.BigEndian.AppendUint64(b, l.Term)
	appended := int64(0)
	if !l.AppendedAt.IsZero() {
		appended = l.AppendedAt.UnixNano()
	}
	b = binary.BigEndian.AppendUint64(b, uint64(appended))
	b = append(b, byte(l.Type))
	b = binary.BigEndian.AppendUint32(b, uint32(len(l.Extensions)))
	b = append(b, l.Extensions...)
	return append(b, l.Data...)
}

// decodeLog copies what it needs of b.
func decodeLog(index uint64, b []byte, l *raft.Log) error {
	if len(b) < logHeader || int(binary.BigEndian.Uint32(b[17:])) > len(b)-logHeader {
		return fmt.Errorf("%w: log entry %d of %d bytes", errMalformed, index, len(b))
	}
	extensions := int(binary.BigEndian.Uint32(b[17:]))
	rest := append([]byte(nil), b[logHeader:]...)
	*l = raft.Log{
		Index: index, Term: binary.BigEndian.Uint64(b), Type: raft.LogType(b[16]),
		Extensions: rest[:extensions:extensions], Data: rest[extensions:],
	}
	if appended := int64(binary.BigEndian.Uint64(b[8:])); appended != 0 {
		l.AppendedAt = time.Unix(0, appended)
	}
	return nil
}
