package main

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"unicode/utf8"

	"github.com/grapevine-p2p/grapevine/internal/durable"
	"github.com/grapevine-p2p/grapevine/internal/words"
)

// DBList is a shared list, kept on disk. Its methods Append and Value are those that
// net/rpc serves; they may be called concurrently.
type DBList struct {
	log *durable.Log

	mu    sync.Mutex
	items []string // only ever appended to, so that replies may share it
}

// openList opens the list of a name, or begins one, in a folder that is made if it
// is missing.
func openList(folder, name string, logger *slog.Logger) (*DBList, error) {
	if err := durable.MkdirAll(durable.OS{}, folder, 0o700); err != nil {
		return nil, err
	}
	// A name may hold what a file's name cannot.
	file := fmt.Sprintf("%x", sha256.Sum256([]byte(words.Fold(name))))
	log, repair, err := durable.OpenLog(durable.OS{}, filepath.Join(folder, file))
	if err != nil {
		return nil, err
	}
	if repair.Damaged() {
		logger.Warn("the list was damaged; what is whole is kept", "name", name, "damaged_file", repair.Quarantine)
	}
	l := &DBList{log: log}
	for item, err := range log.Records() {
		if err != nil {
			return nil, err
		}
		l.items = append(l.items, string(item))
	}
	return l, nil
}

func (l *DBList) close() error { return l.log.Close() }

// Append adds items at the end and tells how many there are then. When it returns,
// they are on disk.
func (l *DBList) Append(items []string, length *int) error {
	if err := check(items); err != nil {
		return err
	}
	records := make([][]byte, len(items))
	for i, item := range items {
		records[i] = []byte(item)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.items)+len(items) > maxItems {
		return fmt.Errorf("the list would be longer than %d items", maxItems)
	}
	if err := l.log.Append(records...); err != nil {
		return fmt.Errorf("the list cannot be kept: %w", err)
	}
	l.items = append(l.items, items...)
	*length = len(l.items)
	return nil
}

// Value tells all items. Its argument says nothing: net/rpc wants one.
func (l *DBList) Value(_ int, items *[]string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	*items = l.items
	return nil
}

// check tells whether items may be appended in one call.
func check(items []string) error {
	if len(items) == 0 || len(items) > maxAppend {
		return fmt.Errorf("%d items at once: want 1 to %d", len(items), maxAppend)
	}
	for _, item := range items {
		if len(item) == 0 || len(item) > maxItem || !utf8.ValidString(item) {
			return fmt.Errorf("item %.32q: want 1 to %d bytes of UTF-8", item, maxItem)
		}
	}
	return nil
}
