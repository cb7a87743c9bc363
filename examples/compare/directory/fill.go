package main

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver that go-libp2p-rendezvous uses
)

// meeting is the namespace in which all peers of a comparison register.
const meeting = "meeting"

// fill puts registrations into the store of go-libp2p-rendezvous in one transaction.
// Its server would take hours: it looks through the whole table twice for each, and
// syncs the file for each.
func fill(path string, count int) (err error) {
	store, err := sql.Open("sqlite3", path)
	if err != nil {
		return fmt.Errorf("fill the store: %w", err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	all, err := store.Begin()
	if err != nil {
		return fmt.Errorf("fill the store: %w", err)
	}
	insert, err := all.Prepare("INSERT INTO Registrations VALUES (NULL, ?, ?, ?, ?)")
	if err != nil {
		return fmt.Errorf("fill the store: %w", errors.Join(err, all.Rollback()))
	}
	expires := time.Now().Add(rendezvousTTL * time.Second).Unix()
	for i := range count {
		m, err := newMember(fmt.Sprintf("filled-%d", i))
		if err != nil {
			return errors.Join(err, all.Rollback())
		}
		record, err := m.peerRecord()
		if err != nil {
			return errors.Join(err, all.Rollback())
		}
		if _, err := insert.Exec(m.id.String(), meeting, expires, record); err != nil {
			return fmt.Errorf("fill the store: %w", errors.Join(err, all.Rollback()))
		}
	}
	if err := all.Commit(); err != nil {
		return fmt.Errorf("fill the store: %w", err)
	}
	return nil
}
