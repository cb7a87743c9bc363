package arch

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// What importers of a public package must not be made to carry, by kind.
var (
	userInterfaces = []string{
		"charm.land/...", "github.com/charmbracelet/...", "github.com/rivo/...", "github.com/gdamore/...",
		"github.com/schollz/progressbar/...", "golang.org/x/term", "rsc.io/qr/...",
	}
	commandLines = []string{
		"github.com/alecthomas/kong/...", "github.com/spf13/...", "github.com/urfave/...",
		"github.com/jessevdk/go-flags",
	}
	fuse     = []string{"github.com/hanwen/go-fuse/...", "bazil.org/fuse/...", "github.com/jacobsa/fuse/...", "github.com/winfsp/..."}
	plotting = []string{
		"gonum.org/...", "git.sr.ht/~sbinet/...", "github.com/ajstarks/...", "codeberg.org/...",
		"github.com/go-echarts/...", "github.com/wcharczuk/...",
	}
	databases = []string{
		"go.etcd.io/bbolt", "github.com/cockroachdb/...", "github.com/dgraph-io/...",
		"github.com/syndtr/goleveldb/...", "modernc.org/...", "github.com/mattn/go-sqlite3",
	}
	consensus   = []string{"github.com/hashicorp/raft/...", "github.com/hashicorp/raft-boltdb/..."}
	otherLookup = []string{"github.com/libp2p/go-libp2p-kad-dht/..."}
	testTools   = []string{
		"testing", "go.uber.org/goleak", "pgregory.net/rapid", "github.com/marcopolo/simnet/...",
		"github.com/anishathalye/porcupine", "github.com/Shopify/toxiproxy/...",
		"github.com/rogpeppe/go-internal/testscript", module + "/internal/durable/durabletest",
		"github.com/libp2p/go-libp2p/x/simlibp2p",
	}
)

// weights says of each public package what must not be among all that it needs.
var weights = map[string][]string{
	"p2p":    slices.Concat(userInterfaces, commandLines, fuse, plotting, databases, consensus, otherLookup, testTools),
	"chat":   slices.Concat(userInterfaces, commandLines, fuse, plotting, without(databases, "go.etcd.io/bbolt"), consensus, otherLookup, testTools),
	"backup": slices.Concat(userInterfaces, commandLines, fuse, plotting, without(databases, "go.etcd.io/bbolt"), consensus, otherLookup, testTools),
	// The bootstrap servers agree by raft, which has its helpers for tests in the
	// package itself (testing.go) and so brings "testing" to whoever imports it.
	"bootstrap": slices.Concat(userInterfaces, commandLines, fuse, plotting, without(databases, "go.etcd.io/bbolt"), otherLookup, without(testTools, "testing")),
}

func without(list []string, item string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == item })
}

func TestImportWeight(t *testing.T) {
	root := moduleRoot(t)
	for pkg, forbidden := range weights {
		t.Run(pkg, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-deps", "./"+pkg)
			cmd.Dir = root
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			deps := strings.Fields(string(out))
			if len(deps) < 100 {
				t.Errorf("only %d dependencies found", len(deps))
			}
			for _, d := range tooHeavy(deps, forbidden) {
				t.Errorf("%s brings %s; \"go mod why %s\" may tell how", pkg, d, d)
			}
		})
	}
}

func tooHeavy(deps, forbidden []string) []string {
	return slices.DeleteFunc(slices.Clone(deps), func(d string) bool {
		return !slices.ContainsFunc(forbidden, func(f string) bool { return covers(f, d) })
	})
}

func TestTooHeavy(t *testing.T) {
	deps := []string{
		"fmt", "golang.org/x/term", "github.com/libp2p/go-libp2p", "go.etcd.io/bbolt",
		"charm.land/bubbletea/v2", "github.com/alecthomas/kong", "github.com/hanwen/go-fuse/v2/fs",
		"gonum.org/v1/plot", "github.com/hashicorp/raft", "github.com/libp2p/go-libp2p-kad-dht/pb", "testing",
	}
	if got := tooHeavy(deps, weights["p2p"]); len(got) != len(deps)-2 {
		t.Errorf("p2p: %q", got)
	}
	if got := tooHeavy(deps, weights["backup"]); len(got) != len(deps)-3 || slices.Contains(got, "go.etcd.io/bbolt") {
		t.Errorf("backup: %q", got)
	}
}
