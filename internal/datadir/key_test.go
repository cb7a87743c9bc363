package datadir

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
)

// withKey returns an open folder that has a node key, and the key's file.
func withKey(t *testing.T) (d *Dir, key crypto.PrivKey, file string) {
	t.Helper()
	d = openDir(t, t.TempDir())
	key, err := d.Key(Node)
	if err != nil {
		t.Fatal(err)
	}
	return d, key, filepath.Join(d.Path(Node), "key")
}

func TestKeyIsKept(t *testing.T) {
	d, key, file := withKey(t)
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	other, err := d.Key(Server)
	if err != nil || other.Equals(key) {
		t.Errorf("the server's key is the node's: %v", err)
	}
	d.Close()
	if _, err := d.Key(Node); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	again, err := openDir(t, d.Root()).Key(Node)
	if err != nil || !again.Equals(key) {
		t.Errorf("another key after opening again: %v", err)
	}
}

func TestKeyConcurrently(t *testing.T) {
	d := openDir(t, t.TempDir())
	keys := make([]crypto.PrivKey, 16)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			var err error
			if keys[i], err = d.Key(Node); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, k := range keys {
		if k == nil || !k.Equals(keys[0]) {
			t.Fatal("two callers got two keys")
		}
	}
}

func TestKeyOpenToOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes say nothing on Windows")
	}
	d, _, file := withKey(t)
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o660, 0o644, 0o700} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		_, err := d.Key(Node)
		wantRefusal(t, err, file, "chmod 600")
	}
	for _, mode := range []fs.FileMode{0o600, 0o400} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Key(Node); err != nil {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
}

func TestKeyDamaged(t *testing.T) {
	d, _, file := withKey(t)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, at int, content []byte) {
		t.Helper()
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := d.Key(Node)
		if !errors.Is(err, ErrBadKey) {
			t.Errorf("%s %d: %v", what, at, err)
			return
		}
		wantRefusal(t, err, file, "move it away")
		if kept, _ := os.ReadFile(file); string(kept) != string(content) {
			t.Errorf("%s %d: the file was changed", what, at)
		}
	}
	for n := range good {
		refused("truncated to", n, good[:n])
		flipped := append([]byte(nil), good...)
		flipped[n] ^= 0x01
		refused("flipped byte", n, flipped)
	}
	refused("too long by", 1000, append(good, make([]byte, 1000)...))

	secp, _, err := crypto.GenerateSecp256k1Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	wrongKind, err := crypto.MarshalPrivateKey(secp)
	if err != nil {
		t.Fatal(err)
	}
	refused("another kind of key", 0, wrongKind)
}

func TestKeyUnreadable(t *testing.T) {
	d, _, file := withKey(t)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(file, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := d.Key(Node)
	wantRefusal(t, err, file, "cannot be read", "move it away")
}
