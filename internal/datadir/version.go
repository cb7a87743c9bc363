package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/grapevine-p2p/grapevine/internal/durable"
)

// firstFormat is the number of the first format of the folder.
const firstFormat = 1

// migration brings a data folder from one format to the next. It may be cut short at
// any point and run again.
type migration func(fsys durable.FS, root string) error

// migrations returns the steps from each format, beginning with firstFormat, to the
// next. The list is append-only; the current format is the one after its end.
func migrations() []migration { return nil }

// maxVersionFile: a number and a newline.
const maxVersionFile = 32

// settleVersion reads VERSION, writes it into a new folder, migrates an old one and
// refuses a new one.
func (d *Dir) settleVersion(steps []migration) error {
	current := firstFormat + len(steps)
	name := filepath.Join(d.root, versionName)
	data, err := durable.ReadFile(d.fsys, name, maxVersionFile)
	if errors.Is(err, fs.ErrNotExist) {
		if err := d.checkNew(); err != nil {
			return err
		}
		return d.writeVersion(current)
	}
	if err != nil {
		return fmt.Errorf("read the data folder's version: %w", err)
	}
	version, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil || version < firstFormat {
		return fmt.Errorf("%q holds %q, not a format number: restore the file (this program's format is %d), or choose another data folder", name, data, current)
	}
	if version > current {
		return fmt.Errorf("data folder %q was written by a newer version (format %d, this one knows up to %d): update this program, or choose another folder", d.root, version, current)
	}
	for ; version < current; version++ {
		if err := steps[version-firstFormat](d.fsys, d.root); err != nil {
			return fmt.Errorf("migrate data folder %q from format %d to %d: %w", d.root, version, version+1, err)
		}
		if err := d.writeVersion(version + 1); err != nil {
			return err
		}
	}
	return nil
}

func (d *Dir) writeVersion(version int) error {
	name := filepath.Join(d.root, versionName)
	return durable.WriteFile(d.fsys, name, fmt.Appendln(nil, version), durable.PrivatePerm)
}

// checkNew refuses a folder that has no VERSION but is not new: VERSION is written
// before anything else.
func (d *Dir) checkNew() error {
	for _, f := range folders() {
		_, err := d.fsys.Stat(d.Path(f))
		if err == nil {
			return fmt.Errorf("%q has a folder %q but no %s file: it is not a data folder, or is damaged; choose another folder", d.root, f, versionName)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("look into data folder: %w", err)
		}
	}
	return nil
}
