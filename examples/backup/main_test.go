package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/bootstrap"
	"github.com/grapevine-p2p/grapevine/examples/internal/programtest"
)

func TestMain(m *testing.M) { programtest.Main(m, main) }

// holder is a running "backup serve".
type holder struct {
	*programtest.Process
	id   string
	addr string
}

// serve runs a holder and waits until it serves.
func serve(t *testing.T, args ...string) *holder {
	t.Helper()
	h := &holder{Process: programtest.Start(t, append([]string{"serve", "--data", t.TempDir(), "--quota", "100MB"}, args...)...)}
	node := h.Wait("node", nil)
	h.id, h.addr = node["id"].(string), node.Strings("addrs")[0]
	h.Wait("serving", nil)
	return h
}

func startServer(t *testing.T) string {
	t.Helper()
	h, err := libp2p.New(libp2p.ListenAddrStrings(programtest.Loopback), libp2p.DisableRelay(), libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	server := &bootstrap.Server{Host: h}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = server.Close(), h.Close() })
	addrs, err := peer.AddrInfoToP2pAddrs(&peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()})
	if err != nil {
		t.Fatal(err)
	}
	return addrs[0].String()
}

// makeFolder makes a small tree.
func makeFolder(t *testing.T) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "papers")
	for name, size := range map[string]int{"a.txt": 10, "deep/er/b.bin": 3_000_000, "empty": 0} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), bytes.Repeat([]byte(name), size/len(name)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func contents(t *testing.T, root string) map[string]string {
	t.Helper()
	out := map[string]string{}
	if err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(root, name))
		out[name] = string(data)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func same(t *testing.T, got, want string) {
	t.Helper()
	a, b := contents(t, got), contents(t, want)
	if len(a) != len(b) {
		t.Errorf("%d files, want %d", len(a), len(b))
	}
	for name := range b {
		if a[name] != b[name] {
			t.Errorf("%s differs", name)
		}
	}
}

// The whole story as its user lives it: back up, lose the machine and two of three
// holders, restore elsewhere with the key alone and without the server.
func TestStory(t *testing.T) {
	server := startServer(t)
	var holders []*holder
	for range 4 {
		holders = append(holders, serve(t, "--bootstrap", server))
	}
	folder, data := makeFolder(t), t.TempDir()
	owner := func(args ...string) []string { return append(args, "--data", data, "--bootstrap", server) }

	stored, ok := programtest.Events(t, []string{"stored"}, owner("put", folder)...)
	if !ok || len(stored) != 1 || len(stored[0].Strings("holders")) != 3 || stored[0]["sent"] != stored[0]["sealed"] {
		t.Fatalf("put: %v, %v", ok, stored)
	}
	id, keepers := stored[0]["id"].(string), stored[0].Strings("holders")

	listed, ok := programtest.Events(t, []string{"backup"}, owner("ls")...)
	if !ok || len(listed) != 1 || listed[0]["name"] != "papers" || listed[0]["copies"] != 3.0 || listed[0]["id"] != id {
		t.Errorf("ls: %v, %v", ok, listed)
	}
	located, ok := programtest.Events(t, []string{"holder"}, owner("locate", "papers")...)
	var found []string
	for _, e := range located {
		found = append(found, e["id"].(string))
	}
	slices.Sort(found)
	slices.Sort(keepers)
	if !ok || !slices.Equal(found, keepers) {
		t.Errorf("located %v, stored on %v", found, keepers)
	}

	printed, ok := programtest.Events(t, []string{"key"}, "key", "--data", data)
	if !ok {
		t.Fatal("no key printed")
	}
	key := printed[0]["key"].(string)

	lost := 0
	var survivor *holder
	for _, h := range holders {
		if lost < 2 && slices.Contains(keepers, h.id) {
			h.Kill()
			lost++
			continue
		}
		survivor = h
	}
	keyFile := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(keyFile, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, access := range [][]string{{"--key", key}, {"--key", "@" + keyFile}} {
		destination := t.TempDir()
		args := append([]string{"get", "papers", destination, "--data", t.TempDir(), "--peer", survivor.addr}, access...)
		restored, ok := programtest.Events(t, []string{"restored"}, args...)
		if !ok || len(restored) != 1 || restored[0]["id"] != id {
			t.Fatalf("get: %v, %v", ok, restored)
		}
		same(t, filepath.Join(destination, "papers"), folder)
	}
}

// What a person reads: results on standard output, one clear error, and the exit code.
func TestForAPerson(t *testing.T) {
	h := serve(t)
	file := filepath.Join(t.TempDir(), "note.txt")
	if err := os.WriteFile(file, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	for _, c := range []struct {
		name string
		args []string
		code int
		says string // on standard output, or on standard error for a failure
	}{
		{"put", []string{"put", "-r1", file}, 0, "stored note.txt: 1 file, 5 B"},
		{"ls", []string{"ls"}, 0, "1/1  note.txt"},
		{"locate", []string{"locate", "note.txt"}, 0, "1 holder of"},
		{"get", []string{"get", "note.txt", filepath.Join(data, "out")}, 0, "1 file, 5 B, verified, from 1 holder in"},
		{"again", []string{"get", "note.txt", filepath.Join(data, "out")}, 1, "already there"},
		{"overwrite", []string{"get", "--overwrite", "note.txt", filepath.Join(data, "out")}, 0, "restored"},
		{"too few", []string{"put", file}, 1, "3 copies wanted, 1 peers offer space"},
		{"missing", []string{"put", file + "x"}, 1, "no such file"},
		{"unknown", []string{"get", "nothing", data}, 1, `backup "nothing": no peer that is reachable has it`},
		{"bad key", []string{"--key", "grapevine-backup-1-x", "ls"}, 2, "--key: not a backup key"},
		{"no key file", []string{"--key", "@/nowhere", "ls"}, 1, "--key: open /nowhere"},
		{"bad peer", []string{"--peer", "here", "ls"}, 2, "--peer"},
		{"bad quota", []string{"serve", "--quota", "lots"}, 2, "not a size"},
		{"no command", nil, 2, "expected one of"},
	} {
		t.Run(c.name, func(t *testing.T) {
			programtest.Says(t, c.says, c.code, append([]string{"--data", data, "--peer", h.addr}, c.args...)...)
		})
	}
}

// When some copies cannot be made, the receipt of the others is shown.
func TestTooFewCopies(t *testing.T) {
	sound, data := serve(t), t.TempDir()
	broken := serve(t, "--data", data, "--peer", sound.addr)
	blobs := filepath.Join(data, "backup", "blobs")
	if err := os.Remove(blobs); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(blobs, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	stored, ok := programtest.Events(t, []string{"stored"}, "put", "-r2", makeFolder(t), "--data", t.TempDir(), "--peer", sound.addr, "--peer", broken.addr)
	if ok || len(stored) != 1 || stored[0]["ok"] != false || stored[0]["id"] == "" || !slices.Equal(stored[0].Strings("holders"), []string{sound.id}) {
		t.Errorf("put: %v, %v", ok, stored)
	}
}
