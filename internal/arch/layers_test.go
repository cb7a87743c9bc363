package arch

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/grapevine-p2p/grapevine"

// layer is a row of the import rule: the packages of this module that a package may
// import. It holds for the package and for those below it that have no row of their
// own. A path that ends in "/..." stands for all below and itself.
type layer struct {
	pkg string
	may []string
}

// layers is the import rule:
//
//	internal/wire <- internal/overlay <- p2p <- chat, backup <- examples
//	                       ^
//	                 internal/sim
//	internal/wire <- internal/names <- internal/federation <- bootstrap <- examples
//	internal/wire <- internal/rendezvous <- bootstrap
//
// and below them leaves that know nothing of the protocol.
var layers = []layer{
	// Leaves.
	{"internal/alarm", nil},
	{"internal/arch", nil},
	{"internal/baotree", nil},
	{"internal/dialcause", nil},
	{"internal/display", nil},
	{"internal/durable", nil},
	{"internal/durable/durabletest", []string{"internal/durable"}},
	{"internal/datadir", []string{"internal/durable"}},
	{"internal/fabric", nil},
	{"internal/feed", nil},
	{"internal/index", nil},
	{"internal/iplimit", nil},
	{"internal/listenaddr", nil},
	{"internal/streamconn", nil},
	{"internal/summary", nil},
	{"internal/words", nil},

	// The protocol.
	{"internal/wire", []string{"internal/wire/pb", "internal/summary"}},
	{"internal/wire/pb", nil},
	{"internal/overlay", []string{"internal/wire", "internal/summary"}},
	{"internal/sim", []string{"internal/overlay", "internal/wire", "internal/summary", "internal/words"}},
	{"internal/names", []string{"internal/alarm", "internal/index", "internal/wire/..."}},
	{"internal/federation", []string{"internal/names", "internal/wire/...", "internal/streamconn", "internal/dialcause", "internal/durable"}},
	{"internal/rendezvous", []string{"internal/wire/..."}},

	// The library.
	{"p2p", []string{
		"internal/overlay", "internal/wire/...", "internal/streamconn", "internal/feed", "internal/iplimit", "internal/listenaddr",
		"internal/datadir", "internal/durable", "internal/summary", "internal/words", "internal/dialcause", "internal/display",
	}},
	{"p2p/p2ptest", []string{"p2p", "internal/fabric"}},
	{"bootstrap", []string{
		"internal/names", "internal/federation", "internal/rendezvous", "internal/wire/...",
		"internal/alarm", "internal/index", "internal/dialcause", "internal/durable", "internal/words",
	}},
	{"chat", []string{
		"p2p", "internal/wire/...", "internal/streamconn", "internal/feed",
		"internal/datadir", "internal/dialcause", "internal/durable", "internal/words", "internal/display",
	}},
	{"backup", []string{
		"internal/baotree", "p2p", "internal/wire/...", "internal/streamconn",
		"internal/datadir", "internal/durable", "internal/words", "internal/display",
	}},

	// The programs. No program imports another.
	{"examples", []string{
		"p2p", "bootstrap", "chat", "backup", "examples/internal/...",
		"internal/baotree", "internal/datadir", "internal/dialcause", "internal/durable", "internal/display", "internal/words",
	}},
	{"examples/internal/serverhost", []string{"internal/iplimit"}},
	{"examples/bootstrap", []string{
		"bootstrap", "examples/internal/...",
		"internal/datadir", "internal/durable", "internal/display",
	}},
	{"examples/tour", []string{
		"p2p", "bootstrap", "chat", "backup", "examples/internal/...", "internal/fabric",
		"internal/datadir", "internal/durable", "internal/display", "internal/words",
	}},
	{"examples/simulate", []string{"internal/sim", "internal/overlay", "internal/wire", "examples/internal/..."}},
}

// inTests is what tests may import besides.
var inTests = []string{
	"p2p/p2ptest", "internal/durable/durabletest", "internal/durable", "internal/datadir",
	"internal/wire/...", "internal/overlay", "internal/sim", "p2p", "internal/streamconn",
	"internal/words", "internal/display", "internal/fabric",
}

// never lists what a package and those below it never import, not even in tests.
var never = map[string][]string{
	"p2p":                 {"bootstrap", "chat", "backup", "examples"},
	"bootstrap":           {"p2p", "chat", "backup", "examples"},
	"chat":                {"bootstrap", "backup", "examples"},
	"backup":              {"bootstrap", "chat", "examples"},
	"internal/wire":       {"internal/overlay", "p2p", "internal/sim"},
	"internal/overlay":    {"p2p", "internal/sim"},
	"internal/names":      {"bootstrap", "internal/federation"},
	"internal/federation": {"bootstrap"},
	"internal/rendezvous": {"bootstrap"},
	"internal/sim":        {"p2p"},
}

// TestLayers checks every file of the module, whatever system it is for.
func TestLayers(t *testing.T) {
	seen := 0
	strangers := map[string]bool{}
	for _, f := range sourceFiles(t) {
		if _, ok := findLayer(layers, f.pkg()); !ok {
			strangers[f.pkg()] = true
			continue
		}
		for _, imported := range f.imports() {
			seen++
			if problem := checkImport(layers, f.pkg(), imported, f.isTest()); problem != "" {
				t.Errorf("%s: %s", f.name, problem)
			}
		}
	}
	for pkg := range strangers {
		t.Errorf("package %s is in no layer: add a row to the import rule", pkg)
	}
	if seen < 100 {
		t.Errorf("only %d imports found: the test does not see the module", seen)
	}
}

// checkImport says what is wrong with an import, "" if nothing is. pkg is relative to
// the module, imported is an import path.
func checkImport(rule []layer, pkg, imported string, test bool) string {
	row, ok := findLayer(rule, pkg)
	if !ok {
		return fmt.Sprintf("package %s is in no layer", pkg)
	}
	imported, own := strings.CutPrefix(imported, module+"/")
	if !own || imported == pkg {
		return ""
	}
	for above, targets := range never {
		for _, target := range targets {
			if within(pkg, above) && within(imported, target) {
				return fmt.Sprintf("%s never imports %s (%s)", above, target, imported)
			}
		}
	}
	may := row.may
	if test {
		may = slices.Concat(may, inTests, []string{row.pkg + "/..."})
	}
	if slices.ContainsFunc(may, func(m string) bool { return covers(m, imported) }) {
		return ""
	}
	return fmt.Sprintf("%s must not import %s", pkg, imported)
}

// findLayer returns the row of a package: its own, or that of the nearest above it.
func findLayer(rule []layer, pkg string) (layer, bool) {
	for p := pkg; p != "."; p = path.Dir(p) {
		for _, l := range rule {
			if l.pkg == p {
				return l, true
			}
		}
	}
	return layer{}, false
}

func covers(pattern, pkg string) bool {
	if above, all := strings.CutSuffix(pattern, "/..."); all {
		return within(pkg, above)
	}
	return pattern == pkg
}

func within(pkg, above string) bool {
	return pkg == above || strings.HasPrefix(pkg, above+"/")
}

// The rule can be broken: made-up imports that it must refuse, and some it must not.
func TestCheckImport(t *testing.T) {
	for _, c := range []struct {
		pkg, imports string
		test         bool
		allowed      bool
	}{
		{"p2p", module + "/internal/overlay", false, true},
		{"p2p", module + "/internal/wire/pb", false, true},
		{"p2p", "github.com/libp2p/go-libp2p", false, true},
		{"p2p", module + "/bootstrap", false, false},
		{"p2p", module + "/bootstrap", true, false},
		{"p2p/p2ptest", module + "/bootstrap", false, false},
		{"bootstrap", module + "/p2p", false, false},
		{"bootstrap", module + "/p2p", true, false},
		{"bootstrap/raftstore", module + "/p2p/p2ptest", true, false},
		{"p2p", module + "/p2p/p2ptest", false, false},
		{"p2p", module + "/p2p/p2ptest", true, true},
		{"p2p", module + "/internal/sim", false, false},
		{"p2p", module + "/internal/fabric", false, false},
		{"p2p", module + "/internal/fabric", true, true},
		{"p2p", module + "/internal/durable/durabletest", false, false},
		{"p2p", module + "/internal/durable/durabletest", true, true},
		{"chat", module + "/p2p", false, true},
		{"chat", module + "/backup", true, false},
		{"chat", module + "/bootstrap", false, false},
		{"chat", module + "/internal/overlay", false, false},
		{"backup", module + "/chat", false, false},
		{"backup", module + "/bootstrap", true, false},
		{"internal/overlay", module + "/internal/wire", false, true},
		{"internal/overlay", module + "/internal/wire/pb", false, false},
		{"internal/overlay", module + "/p2p", true, false},
		{"internal/overlay", module + "/internal/durable", false, false},
		{"internal/wire", module + "/internal/overlay", false, false},
		{"internal/durable", module + "/internal/datadir", false, false},
		{"examples/chat", module + "/chat", false, true},
		{"examples/chat", module + "/examples/internal/program", false, true},
		{"examples/chat", module + "/examples/tour", false, false},
		{"examples/tour", module + "/bootstrap", false, true},
		{"examples/internal/program", module + "/p2p", false, true},
		{"p2p", module + "/examples/internal/program", false, false},
		{"p2p", module + "/examples/tour", true, false},
		{"examples/chat", module + "/internal/sim", false, false},
		{"examples/chat", module + "/internal/fabric", false, false},
		{"examples/tour", module + "/internal/fabric", false, true},
		{"examples/simulate", module + "/internal/sim", false, true},
		{"newcomer", "fmt", false, false},
		{"internal/newcomer", "fmt", false, false},
	} {
		problem := checkImport(layers, c.pkg, c.imports, c.test)
		if (problem == "") != c.allowed {
			t.Errorf("%s imports %s (in a test: %v): %q", c.pkg, c.imports, c.test, problem)
		}
	}
}
