package bootstrap

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/durable"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// oldStoreName is the file in which older versions kept registrations: a log of
// grants and ends.
const oldStoreName = "registrations"

// readOldStore reads the registrations of an older version, if there are any. When
// they are kept elsewhere, finish sets the file aside.
func readOldStore(folder string, logger *slog.Logger) (kept []leaseStep, finish func() error, err error) {
	name := filepath.Join(folder, oldStoreName)
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return nil, func() error { return nil }, nil
	}
	log, repair, err := durable.OpenLog(durable.OS{}, name)
	if err != nil {
		return nil, nil, err
	}
	defer log.Close()
	if repair.Damaged() {
		logger.Warn("the registrations of an older version were damaged; what is whole is kept",
			"lost_bytes", repair.Lost, "damaged_file", repair.Quarantine)
	}
	unknown := 0
	for line, err := range log.Records() {
		if err != nil {
			return nil, nil, err
		}
		var stored pb.DirectoryStored
		switch err := proto.Unmarshal(line, &stored); {
		case err != nil:
			unknown++
		case len(stored.EndedPeer) > 0:
			kept = append(kept, leaseStep{leaseID{peerID(stored.EndedPeer), nameKey(stored.EndedName)}, nil})
		default:
			id, err := leaseOfRecord(stored.Record)
			if err != nil {
				unknown++
				continue
			}
			kept = append(kept, leaseStep{id, line})
		}
	}
	return kept, func() error {
		aside := name + ".old"
		logger.Info("the registrations of an older version were taken over", "lines", len(kept), "not_understood", unknown, "old_file", aside)
		return errors.Join(os.Rename(name, aside), (durable.OS{}).SyncDir(folder))
	}, nil
}

// leaseOfRecord reads what a signed record is about. It is verified when the server
// starts.
func leaseOfRecord(sealed []byte) (leaseID, error) {
	c, err := unsealClaim(sealed)
	if err != nil {
		return leaseID{}, fmt.Errorf("read a stored registration: %w", err)
	}
	return leaseID{c.peer, c.key}, nil
}
