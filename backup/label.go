package backup

import (
	"fmt"
	"math"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// Contents is what a backup holds, as its owner noted it when it was made.
type Contents struct {
	Name     string
	Size     int64 // of the files, in bytes
	Files    int64
	Folders  int64
	Links    int64 // symbolic links
	Replicas int   // wanted
}

// sealLabel encodes and seals c for the label of the blob id.
func sealLabel(k Key, id BlobID, c Contents) ([]byte, error) {
	plain, err := proto.Marshal(&pb.Label{
		Name: c.Name, Size: uint64(c.Size), Files: uint64(c.Files), Folders: uint64(c.Folders),
		Links: uint64(c.Links), Replicas: uint32(c.Replicas),
	})
	if err != nil {
		return nil, fmt.Errorf("encode label: %w", err)
	}
	return sealBytes(newAEAD(k.labelKey()), plain, id[:]), nil
}

// openLabel reads the label of the blob id; ErrWrongKey if it is not k's or of another
// blob.
func openLabel(k Key, id BlobID, sealed []byte) (Contents, error) {
	plain, err := openBytes(newAEAD(k.labelKey()), sealed, id[:])
	if err != nil {
		return Contents{}, err
	}
	var l pb.Label
	if err := proto.Unmarshal(plain, &l); err != nil {
		return Contents{}, fmt.Errorf("label: %w", errMalformed)
	}
	c := Contents{
		Name: l.GetName(), Size: int64(l.GetSize()), Files: int64(l.GetFiles()), Folders: int64(l.GetFolders()),
		Links: int64(l.GetLinks()), Replicas: int(l.GetReplicas()),
	}
	if l.GetSize() > math.MaxInt64 || c.entries() < 0 || c.entries() > maxEntries ||
		l.GetReplicas() > MaxReplicas || len(c.Name) > MaxName || !utf8.ValidString(c.Name) {
		return Contents{}, fmt.Errorf("label: %w", errMalformed)
	}
	return c, nil
}

// entries is the number of entries in the archive, -1 if it is out of all bounds.
func (c Contents) entries() int64 {
	for _, n := range []int64{c.Files, c.Folders, c.Links} {
		if n < 0 || n > maxEntries {
			return -1
		}
	}
	return c.Files + c.Folders + c.Links
}
