package arch

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// limited are the packages with tables of limits in docs/protocol.md, and how many
// rows there are at the least. Those of internal/wire have a test there.
var limited = map[string]struct {
	folder string
	rows   int
}{
	"p2p":        {"p2p", 15},
	"overlay":    {"internal/overlay", 4},
	"bootstrap":  {"bootstrap", 20},
	"federation": {"internal/federation", 15},
	"names":      {"internal/names", 10},
	"chat":       {"chat", 10},
	"backup":     {"backup", 15},
}

// limitRow is a row such as "| `chat.maxFrame`: a frame | 16 KiB |".
var limitRow = regexp.MustCompile("(?m)^\\| `(\\w+)\\.(\\w+)`.* \\| (\\d+)(?: (\\w+))? \\|$")

// units are those of the rows, as factors of what a constant counts in.
var units = map[string]int64{
	"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
	"ms": 1e6, "s": 1e9, "min": 60e9, "d": 24 * 3600e9,
}

// TestProtocolTellsTheLimits: the numbers of docs/protocol.md are those of the code.
func TestProtocolTellsTheLimits(t *testing.T) {
	root := moduleRoot(t)
	code := map[string]map[string]int64{}
	for name, in := range limited {
		code[name] = numbers(t, root, in.folder)
	}
	rows := map[string]int{}
	for _, row := range limitRow.FindAllStringSubmatch(page(t, root, "protocol.md"), -1) {
		pkg, name, count, unit := row[1], row[2], row[3], row[4]
		rows[pkg]++
		want, ok := code[pkg][name]
		if !ok {
			t.Errorf("there is no number %s.%s", pkg, name)
			continue
		}
		n, err := strconv.ParseInt(count, 10, 64)
		if err != nil || units[unit] == 0 {
			t.Errorf("%s.%s: cannot read %q %q", pkg, name, count, unit)
			continue
		}
		if got := n * units[unit]; got != want {
			t.Errorf("%s.%s is %d, docs/protocol.md says %d", pkg, name, want, got)
		}
	}
	for name, in := range limited {
		if rows[name] < in.rows {
			t.Errorf("docs/protocol.md has %d limits of %s, want %d at the least", rows[name], name, in.rows)
		}
	}
}

// preset is a limit that has a value where nobody chose another.
var preset = regexp.MustCompile(`\bl\.(\w+)(?:, | = )([\d_]+)\b`)

// numbers returns the whole constants of a package, as far as they need no import but
// time and this module's, and the presets of its limits.
func numbers(t *testing.T, root, folder string) map[string]int64 {
	t.Helper()
	all := map[string]int64{}
	text, err := os.ReadFile(filepath.Join(root, folder, "limits.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range preset.FindAllStringSubmatch(string(text), -1) {
		if n, err := strconv.ParseInt(strings.ReplaceAll(m[2], "_", ""), 10, 64); err == nil {
			all[m[1]] = max(all[m[1]], n)
		}
	}
	set := token.NewFileSet()
	pkg, err := constants{importer.ForCompiler(set, "source", nil), set, root}.read(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range pkg.Scope().Names() {
		c, ok := pkg.Scope().Lookup(name).(*types.Const)
		if !ok || c.Val().Kind() == constant.Unknown {
			continue
		}
		if n, exact := constant.Int64Val(constant.ToInt(c.Val())); exact {
			all[name] = n
		}
	}
	return all
}

// constants imports time and the packages of the module at root, and of these no more than
// constants need.
type constants struct {
	types.Importer
	set  *token.FileSet
	root string
}

func (c constants) Import(name string) (*types.Package, error) {
	if name == "time" {
		return c.Importer.Import(name)
	}
	if folder, ours := strings.CutPrefix(name, module+"/"); ours {
		return c.read(folder)
	}
	return nil, fmt.Errorf("%q is not read", name)
}

// read returns what can be told of the package in a folder of the module.
func (c constants) read(folder string) (*types.Package, error) {
	names, err := filepath.Glob(filepath.Join(c.root, filepath.FromSlash(folder), "*.go"))
	if err != nil {
		return nil, err
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(c.set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	check := types.Config{
		Importer:         c,
		IgnoreFuncBodies: true,
		Error:            func(error) {}, // of what the other imports would say
	}
	pkg, _ := check.Check(folder, c.set, files, nil)
	return pkg, nil
}
