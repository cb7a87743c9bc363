package backup

import (
	"bytes"
	"errors"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lukechampine.com/blake3"

	"github.com/grapevine-p2p/grapevine/internal/durable"
	"github.com/grapevine-p2p/grapevine/internal/durable/durabletest"
)

const testNetwork = "test"

var errInjected = errors.New("injected")

// testBlob makes n random bytes and an order for them.
func testBlob(t testing.TB, n int) ([]byte, *order) {
	t.Helper()
	data := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(data) // never fails
	o, err := newOrder(Key{[keyLen]byte{7}}, testNetwork, blake3.Sum256(data), int64(n), []byte("label"), time.Unix(1_800_000_000, 0))
	if err != nil {
		t.Fatal(err)
	}
	return data, o
}

func testStore(fsys durable.FS) (*store, error) {
	return openStore(fsys, "/", testNetwork, 10<<20, slog.New(slog.DiscardHandler))
}

// keep stores a blob, in pieces.
func keep(s *store, o *order, data []byte) error {
	in, err := s.reserve(o)
	if err != nil {
		return err
	}
	defer in.abort()
	if err := in.begin(); err != nil {
		return err
	}
	for piece := range chunks(data, 10_000) {
		if err := in.write(piece); err != nil {
			return err
		}
	}
	return in.commit()
}

func chunks(data []byte, n int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(data) > 0 {
			m := min(n, len(data))
			if !yield(data[:m]) {
				return
			}
			data = data[m:]
		}
	}
}

// readBack returns a blob through verified slices.
func readBack(s *store, id BlobID) ([]byte, error) {
	b, err := s.open(id)
	if err != nil {
		return nil, err
	}
	defer b.close()
	var out []byte
	for int64(len(out)) < b.order.size {
		_, data, err := b.slice(int64(len(out)), min(3*groupSize, b.order.size-int64(len(out))))
		if err != nil {
			return nil, err
		}
		out = append(out, data...)
	}
	return out, nil
}

func TestStoreKeeps(t *testing.T) {
	mem := durabletest.NewMem()
	s, err := testStore(mem)
	if err != nil {
		t.Fatal(err)
	}
	sizes := []int{1, groupSize - 1, groupSize, groupSize + 1, 3*groupSize + 5, 300_000}
	for _, n := range sizes {
		data, o := testBlob(t, n)
		if err := keep(s, o, data); err != nil {
			t.Fatal(err)
		}
		if err := keep(s, o, data); !errors.Is(err, errHave) {
			t.Errorf("twice: %v", err)
		}
	}
	// What was committed survives a power cut that keeps nothing else.
	after, err := testStore(mem.Crash(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range sizes {
		data, o := testBlob(t, n)
		for _, s := range []*store{s, after} {
			if got, err := readBack(s, o.id); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d bytes: %v", n, err)
			}
		}
	}
	if after.usage() != s.usage() || s.promise != 0 {
		t.Errorf("usage %d, after the restart %d, promised %d", s.usage(), after.usage(), s.promise)
	}
}

func TestStoreRefuses(t *testing.T) {
	s, err := testStore(durabletest.NewMem())
	if err != nil {
		t.Fatal(err)
	}
	data, o := testBlob(t, 100_000)
	in, err := s.reserve(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.reserve(o); !errors.Is(err, ErrBusy) {
		t.Errorf("at the same time: %v", err)
	}
	_, large := testBlob(t, 10<<20)
	if _, err := s.reserve(large); !errors.Is(err, ErrQuota) {
		t.Errorf("over the quota: %v", err)
	}
	if err := errors.Join(in.begin(), in.abort(), in.abort()); err != nil {
		t.Fatal(err)
	}
	if s.usage() != 0 {
		t.Errorf("%d bytes promised after abort", s.usage())
	}
	for name, wrong := range map[string][]byte{
		"short": data[:99_999], "long": append(bytes.Clone(data), 0), "changed": append(bytes.Clone(data[:99_999]), data[99_999]^1),
	} {
		if err := keep(s, o, wrong); err == nil {
			t.Errorf("%s: kept", name)
		}
	}
	if s.find(o.id) != nil || s.usage() != 0 {
		t.Errorf("%d bytes held", s.usage())
	}
}

// An error at any operation gives an error, leaves nothing and releases the promise;
// at no moment does a power cut leave something that is served and not whole.
func TestStoreFaults(t *testing.T) {
	data, o := testBlob(t, 2*groupSize+7)
	for n := 1; ; n++ {
		mem := durabletest.NewMem()
		if _, err := testStore(mem); err != nil {
			t.Fatal(err)
		}
		failing, count := durabletest.FailAt(mem, n, errInjected)
		s, err := testStore(failing)
		if err == nil {
			err = keep(s, o, data)
		}
		if count() < n {
			if err != nil || n < 10 {
				t.Fatalf("without a fault, %d operations: %v", n, err)
			}
			break
		}
		if s != nil && s.promise != 0 {
			t.Errorf("operation %d: %d bytes promised", n, s.promise)
		}
		if s != nil && (err == nil) != (s.find(o.id) != nil) {
			t.Errorf("operation %d: error %v, found %v", n, err, s.find(o.id) != nil)
		}
		for _, percent := range []int{0, 50, 100} {
			checkCrash(t, mem.Crash(percent, uint64(n)), o, data)
		}
	}
}

func TestStorePowerCut(t *testing.T) {
	data, o := testBlob(t, 2*groupSize+7)
	mem := durabletest.NewMem()
	served := 0
	watched := durabletest.Wrap(mem, func(op durabletest.Op) error {
		if op.Changes() {
			for seed := range uint64(4) {
				for _, percent := range []int{0, 50, 100} {
					served += checkCrash(t, mem.Crash(percent, seed), o, data)
				}
			}
		}
		return nil
	})
	s, err := testStore(watched)
	if err == nil {
		err = keep(s, o, data)
	}
	if err != nil {
		t.Fatal(err)
	}
	if served += checkCrash(t, mem.Crash(0, 0), o, data); served == 0 {
		t.Error("it was never served")
	}
}

// checkCrash opens what a crash left; 1 if the blob is served from it.
func checkCrash(t *testing.T, mem *durabletest.Mem, o *order, data []byte) int {
	t.Helper()
	s, err := testStore(mem)
	if err != nil {
		t.Fatal(err)
	}
	if s.find(o.id) == nil {
		if s.usage() != 0 {
			t.Errorf("%d bytes are counted and nothing is there", s.usage())
		}
		return 0
	}
	if got, err := readBack(s, o.id); err != nil || !bytes.Equal(got, data) {
		t.Errorf("half a blob is served: %v", err)
	}
	return 1
}

// Every byte of the small file changed, every length cut: moved aside, never a panic.
func TestStoreDamage(t *testing.T) {
	data, o := testBlob(t, 2*groupSize+7)
	mem := durabletest.NewMem()
	s, err := testStore(mem)
	if err == nil {
		err = keep(s, o, data)
	}
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := durable.ReadFile(mem, s.path(o.id)+orderSuffix, maxOrder)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := durable.ReadFile(mem, s.path(o.id)+treeSuffix, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	try := func(what, suffix string, content []byte) {
		damaged := mem.Crash(100, 0)
		if err := durable.WriteFile(damaged, s.path(o.id)+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := testStore(damaged)
		if err != nil {
			t.Fatal(err)
		}
		if s.find(o.id) != nil {
			if _, err := readBack(s, o.id); err == nil {
				t.Errorf("%s: served", what)
			}
		}
		if s.find(o.id) != nil || s.usage() != 0 {
			t.Errorf("%s: still served after it was found", what)
		}
		if names, err := damaged.List("/damaged"); err != nil || len(names) != 3 || !strings.HasPrefix(names[0], o.id.String()) {
			t.Errorf("%s: moved aside: %v, %v", what, names, err)
		}
	}
	flip := func(content []byte, at int) []byte {
		out := bytes.Clone(content)
		out[at] ^= 0x10
		return out
	}
	for i := range encoded {
		try("order changed", orderSuffix, flip(encoded, i))
		try("order cut", orderSuffix, encoded[:i])
	}
	for i := range len(tree) {
		if i >= treeHead { // the order has the size: the tree's own is not read
			try("tree changed", treeSuffix, flip(tree, i))
		}
		try("tree cut", treeSuffix, tree[:i])
	}
	for i := 0; i < len(data); i += 5000 {
		try("blob changed", "", flip(data, i))
		try("blob cut", "", data[:i])
	}
	// The wrong network's name is no damage.
	if _, err := openStore(mem, "/", "wrong", 10<<20, slog.New(slog.DiscardHandler)); !errors.Is(err, errNetwork) {
		t.Errorf("opened under another network's name: %v", err)
	}
	// Strangers' files are let be.
	if err := durable.WriteFile(mem, filepath.Join("/blobs", "README"), []byte("hi"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := testStore(mem); err != nil || s.find(o.id) == nil {
		t.Errorf("with a strange file: %v", err)
	}
}

// A read that fails at the start says nothing of the blob: it stays where it is.
func TestReadErrorIsNoDamage(t *testing.T) {
	data, o := testBlob(t, 2*groupSize+7)
	mem := durabletest.NewMem()
	s, err := testStore(mem)
	if err == nil {
		err = keep(s, o, data)
	}
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for n := 1; ; n++ {
		failing, count := durabletest.FailAt(mem, n, errInjected)
		if _, err := testStore(failing); errors.Is(err, errInjected) {
			failed++
		}
		if count() < n {
			break
		}
		if names, err := mem.List("/damaged"); err == nil {
			t.Fatalf("operation %d: moved aside: %v", n, names)
		}
	}
	if failed < 4 { // the order is opened and read, the blob and the tree are looked at
		t.Errorf("%d faults were told", failed)
	}
	if s, err := testStore(mem); err != nil || s.find(o.id) == nil {
		t.Errorf("after the faults: %v", err)
	}
}

func TestSlices(t *testing.T) {
	data, o := testBlob(t, 5*groupSize+100)
	id, tree, err := buildTree(bytes.NewReader(data), o.size)
	if err != nil || id != o.id || int64(len(tree)) != treeSize(o.size) {
		t.Fatalf("tree of %d bytes: %v", len(tree), err)
	}
	slice, err := extractSlice(bytes.NewReader(data), bytes.NewReader(tree), o.size, 2*groupSize, groupSize+1)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := checkSlice(id, o.size, slice, 2*groupSize, groupSize+1); err != nil || !bytes.Equal(got, data[2*groupSize:3*groupSize+1]) {
		t.Errorf("slice: %v", err)
	}
	for i := 0; i < len(slice); i += 97 {
		wrong := bytes.Clone(slice)
		wrong[i] ^= 1
		if _, err := checkSlice(id, o.size, wrong, 2*groupSize, groupSize+1); !errors.Is(err, ErrDamaged) {
			t.Errorf("byte %d changed: %v", i, err)
		}
		if _, err := checkSlice(id, o.size, slice[:i], 2*groupSize, groupSize+1); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
	for _, r := range [][2]int64{{0, groupSize}, {groupSize, groupSize}, {-1, 1}, {o.size, 1}, {0, o.size + 1}, {0, 0}, {0, -1}, {1 << 62, 1 << 62}} {
		if _, err := checkSlice(id, o.size, slice, r[0], r[1]); !errors.Is(err, ErrDamaged) {
			t.Errorf("range %v of another slice: %v", r, err)
		}
	}
}
