package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
)

// pure lists the packages and files whose decisions depend on their arguments alone:
// no I/O, goroutine, lock, clock or global randomness. Tests in them are free.
var pure = []string{
	"internal/overlay",
	"internal/sim",
	"internal/names",
	"internal/summary",
	"internal/words",
	"internal/display",
	"internal/alarm",
	"internal/index",
	"bootstrap/doubt.go", "bootstrap/entry.go", "bootstrap/index.go", "bootstrap/table.go",
	"bootstrap/due.go",
	"bootstrap/story.go", "bootstrap/tale.go", "bootstrap/sample.go",
	"bootstrap/merger.go",
	"internal/rendezvous/table.go",
	"backup/placement.go",
	"backup/repair.go",
}

// impureImports may not be imported by what is pure.
var impureImports = []string{
	"net/...", "os/...", "io/ioutil", "syscall", "unsafe", "sync/...", "context", "log/...",
	"crypto/rand", "path/filepath", "runtime/...", "testing/...",
	"github.com/libp2p/...", "github.com/multiformats/...", "github.com/prometheus/...",
}

// pureExceptions are imports from impureImports that say nothing of the system.
var pureExceptions = []string{
	"net/netip",
	"github.com/libp2p/go-libp2p/core/peer",
}

// clock are the functions of package time that read a clock or wait for one.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// ownRandom are what of math/rand does not touch the global source.
var ownRandom = []string{
	"New", "NewPCG", "NewChaCha8", "NewSource", "NewZipf",
	"Rand", "Source", "Source64", "PCG", "ChaCha8", "Zipf",
}

func TestPure(t *testing.T) {
	for _, f := range sourceFiles(t) {
		if f.isTest() || !slices.Contains(pure, f.name) && !slices.Contains(pure, f.pkg()) {
			continue
		}
		for _, problem := range checkPure(f) {
			t.Error(problem)
		}
	}
}

// checkPure lists what in a file is not pure.
func checkPure(f sourceFile) []string {
	var problems []string
	report := func(pos token.Pos, format string, args ...any) {
		at := fmt.Sprintf("%s:%d: ", f.name, f.set.Position(pos).Line)
		problems = append(problems, at+fmt.Sprintf(format, args...))
	}
	isTime, isRand := map[string]bool{}, map[string]bool{}
	for _, spec := range f.ast.Imports {
		imported := strings.Trim(spec.Path.Value, `"`)
		matches := func(pattern string) bool { return covers(pattern, imported) }
		if slices.ContainsFunc(impureImports, matches) && !slices.Contains(pureExceptions, imported) {
			report(spec.Pos(), "pure code imports %s", imported)
		}
		local := path.Base(strings.TrimSuffix(imported, "/v2"))
		if spec.Name != nil {
			local = spec.Name.Name
		}
		switch imported {
		case "time":
			isTime[local] = true
		case "math/rand", "math/rand/v2":
			isRand[local] = true
		}
		if local == "." {
			report(spec.Pos(), "pure code imports %s by dot", imported)
		}
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			report(n.Pos(), "pure code starts a goroutine")
		case *ast.SelectStmt:
			report(n.Pos(), "pure code waits in a select")
		case *ast.ChanType:
			report(n.Pos(), "pure code has a channel")
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if ok && isTime[x.Name] && slices.Contains(clock, n.Sel.Name) {
				report(n.Pos(), "pure code asks a clock: time.%s", n.Sel.Name)
			}
			if ok && isRand[x.Name] && !slices.Contains(ownRandom, n.Sel.Name) {
				report(n.Pos(), "pure code uses the global source: rand.%s", n.Sel.Name)
			}
		}
		return true
	})
	return problems
}

// The check can fail: made-up code, and how many faults are in it.
func TestCheckPure(t *testing.T) {
	for source, want := range map[string]int{
		`import "time"; func f(now time.Time) time.Time { return now.Add(time.Second) }`: 0,
		`import "math/rand/v2"; func f(r *rand.Rand) int { return r.IntN(3) }`:           0,
		`import "math/rand/v2"; var r = rand.New(rand.NewPCG(1, 2))`:                     0,
		`import "net/netip"; var p netip.Addr`:                                           0,
		`import "time"; var t = time.Now()`:                                              1,
		`import clock "time"; var t = clock.Now()`:                                       1,
		`import "time"; func f(t time.Time) { <-time.After(time.Since(t)) }`:             2,
		`import "math/rand/v2"; var n = rand.IntN(3)`:                                    1,
		`import "math/rand"; func f() { rand.Shuffle(1, nil) }`:                          1,
		`import "crypto/rand"`:                                                           1,
		`import ("sync"; "sync/atomic")`:                                                 2,
		`import "net"`:                                                                   1,
		`import "net/http"`:                                                              1,
		`import "github.com/libp2p/go-libp2p"`:                                           1,
		`import . "strings"`:                                                             1,
		`func f() { go f() }`:                                                            1,
		`func f(c chan int) { select { case <-c: } }`:                                    2,
	} {
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, "a.go", "package a\n"+source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		got := checkPure(sourceFile{name: "a.go", set: set, ast: parsed})
		if len(got) != want {
			t.Errorf("%s: %d problems, want %d: %q", source, len(got), want, got)
		}
	}
}
