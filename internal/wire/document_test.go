package wire

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
	"strings"
	"testing"
)

func protocolPage(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "protocol.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// constants returns those of a file of this package that imports nothing.
func constants(t *testing.T, name string) map[string]constant.Value {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := (&types.Config{Importer: importer.Default()}).Check("wire", set, []*ast.File{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]constant.Value{}
	for _, name := range pkg.Scope().Names() {
		if c, ok := pkg.Scope().Lookup(name).(*types.Const); ok {
			all[name] = c.Val()
		}
	}
	return all
}

func TestProtocolsDocumented(t *testing.T) {
	page := protocolPage(t)
	all := constants(t, "protocols.go")
	if len(all) < 7 {
		t.Errorf("only %d protocols, services and domains found", len(all))
	}
	for name, value := range all {
		if !strings.Contains(page, "`"+constant.StringVal(value)+"`") {
			t.Errorf("docs/protocol.md does not mention %s, %s", name, value)
		}
	}
}

func TestLimitsDocumented(t *testing.T) {
	page := protocolPage(t)
	for name, value := range constants(t, "limits.go") {
		row := regexp.MustCompile(fmt.Sprintf("(?m)^\\| `%s`.* \\| %s \\|$", name, value.ExactString()))
		if !row.MatchString(page) {
			t.Errorf("docs/protocol.md has no row that says that %s is %s", name, value)
		}
	}
}

func TestMessagesDocumented(t *testing.T) {
	page := protocolPage(t)
	files, err := filepath.Glob(filepath.Join("pb", "*.proto"))
	if err != nil || len(files) < 6 {
		t.Fatalf("%d .proto files, %v", len(files), err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(page, "internal/wire/pb/"+filepath.Base(name)) {
			t.Errorf("docs/protocol.md does not mention %s", name)
		}
		for _, m := range regexp.MustCompile(`(?m)^message (\w+)`).FindAllStringSubmatch(string(text), -1) {
			if !regexp.MustCompile("`" + m[1] + `\b`).MatchString(page) {
				t.Errorf("docs/protocol.md does not mention the message %s of %s", m[1], name)
			}
		}
	}
}
