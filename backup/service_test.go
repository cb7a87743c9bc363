package backup_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/backup"
)

// makeFolder makes a folder with everything that a backup must bring back, a file of
// size bytes among it.
func makeFolder(t testing.TB, size int) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "Überlieferung 文書")
	writeFile(t, filepath.Join(root, "a", "large"), size, 1)
	writeFile(t, filepath.Join(root, "a", "small"), 10, 2)
	writeFile(t, filepath.Join(root, "empty file"), 0, 3)
	writeFile(t, filepath.Join(root, "naïve\tname\n.txt"), 100, 4)
	writeFile(t, filepath.Join(root, "private", "secret"), 50, 5)
	must(t, os.Mkdir(filepath.Join(root, "empty"), 0o755))
	must(t, os.Symlink(filepath.Join("a", "small"), filepath.Join(root, "link")))
	must(t, os.Symlink("..", filepath.Join(root, "a", "up")))
	must(t, os.Symlink("nowhere", filepath.Join(root, "dangling")))
	must(t, os.Chmod(filepath.Join(root, "a", "small"), 0o751))
	must(t, os.Chmod(filepath.Join(root, "private", "secret"), 0o400))
	must(t, os.Chmod(filepath.Join(root, "private"), 0o700))
	old := time.Date(2001, 2, 3, 4, 5, 6, 789, time.UTC)
	must(t, os.Chtimes(filepath.Join(root, "a", "large"), old, old))
	must(t, os.Chtimes(filepath.Join(root, "empty"), old, old))
	must(t, os.Chmod(root, 0o750))
	must(t, os.Chtimes(root, old, old))
	return root
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4, nil)
	folder := makeFolder(t, 20<<20)
	r := c.put(folder, 3)
	if len(r.Holders) != 3 || r.Files != 5 || r.Folders != 4 || r.Links != 3 || r.Sent != r.Sealed {
		t.Errorf("receipt: %+v", r)
	}

	entries, err := c.owner.List(t.Context())
	must(t, err)
	if len(entries) != 1 || entries[0].ID != r.ID || entries[0].Name != filepath.Base(folder) || len(entries[0].Holders) != 3 {
		t.Errorf("list: %+v", entries)
	}
	located := 0
	for h, err := range c.owner.Locate(t.Context(), r.ID) {
		must(t, err)
		if h.Size != r.Sealed {
			t.Errorf("holder %s says %d bytes", h.Peer.ID, h.Size)
		}
		located++
	}
	if located != 3 {
		t.Errorf("%d holders located", located)
	}

	// On another machine, with nothing but the key.
	node := c.Add()
	c.Join(node)
	key, err := backup.ParseKey(c.owner.Key().Text())
	must(t, err)
	other := newService(t, node, t.TempDir(), backup.WithKey(key))
	destination := t.TempDir()
	got, err := other.Get(t.Context(), r.ID, destination, backup.GetOptions{})
	must(t, err)
	if want := filepath.Join(destination, filepath.Base(folder)); got.Path != want {
		t.Errorf("restored to %q, want %q", got.Path, want)
	}
	sameTree(t, got.Path, folder)
	if left, err := os.ReadDir(destination); err != nil || len(left) != 1 {
		t.Errorf("the destination holds %v, %v", left, err)
	}

	if _, err := other.Get(t.Context(), r.ID, destination, backup.GetOptions{}); !errors.Is(err, backup.ErrExists) {
		t.Errorf("restored over what is there: %v", err)
	}
	must(t, os.Remove(filepath.Join(got.Path, "link")))
	if _, err := other.Get(t.Context(), r.ID, destination, backup.GetOptions{Overwrite: true}); err != nil {
		t.Errorf("overwrite: %v", err)
	}
	sameTree(t, got.Path, folder)
}

func TestSingleFile(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, nil)
	name := filepath.Join(t.TempDir(), "note.txt")
	writeFile(t, name, 1000, 1)
	r, err := c.owner.Put(t.Context(), name, backup.PutOptions{Replicas: 1, Name: "renamed.txt"})
	must(t, err)
	got, err := c.owner.Get(t.Context(), r.ID, filepath.Join(t.TempDir(), "new", "folder"), backup.GetOptions{})
	must(t, err)
	want, err := os.ReadFile(name)
	must(t, err)
	if data, err := os.ReadFile(got.Path); err != nil || string(data) != string(want) || filepath.Base(got.Path) != "renamed.txt" {
		t.Errorf("restored %+v: %v", got, err)
	}
}

func TestSealed(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, nil)
	folder := filepath.Join(t.TempDir(), "my-diary-name")
	must(t, os.Mkdir(folder, 0o700))
	must(t, os.WriteFile(filepath.Join(folder, "entry-name"), []byte("the plain words"), 0o600))
	r := c.put(folder, 1)
	for _, text := range []string{"my-diary-name", "entry-name", "the plain words"} {
		if onDisk(t, c.folders[0], []byte(text)) {
			t.Errorf("%q is on the holder's disk", text)
		}
	}
	if !onDisk(t, c.folders[0], []byte("grapevine-owner-1")) {
		t.Error("the holder's disk was not looked at")
	}
	node := c.Add()
	c.Join(node)
	other := newService(t, node, t.TempDir(), backup.WithQueryTime(2*time.Second))
	if _, err := other.Get(t.Context(), r.ID, t.TempDir(), backup.GetOptions{}); !errors.Is(err, backup.ErrWrongKey) {
		t.Errorf("with another key: %v", err)
	}
	if entries, err := other.List(t.Context()); err != nil || len(entries) != 0 {
		t.Errorf("with another key: %v, %v", entries, err)
	}
}

func TestGetUnknown(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, nil)
	owner := newService(t, c.Nodes[0], t.TempDir(), backup.WithQueryTime(2*time.Second))
	_, err := owner.Get(t.Context(), backup.BlobID{1}, t.TempDir(), backup.GetOptions{})
	if !errors.Is(err, backup.ErrNotFound) {
		t.Errorf("unknown blob: %v", err)
	}
	if _, err := c.owner.Put(t.Context(), filepath.Join(t.TempDir(), "missing"), backup.PutOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing path: %v", err)
	}
	if _, err := c.owner.Put(t.Context(), t.TempDir(), backup.PutOptions{}); !errors.Is(err, backup.ErrTooFewHolders) {
		t.Errorf("three replicas on one holder: %v", err)
	}
}
