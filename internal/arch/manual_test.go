package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	// code is a span of code in a table; command a test that a page says to run.
	code    = regexp.MustCompile("`([^`]+)`")
	command = regexp.MustCompile(`go test .*`)
	// runnable is a function that go test runs.
	runnable = regexp.MustCompile(`^(Test|Benchmark|Fuzz|Example)`)
)

// TestManualNamesWhatIsThere: the files and tests of the manual's table of concepts
// exist, and so do the tests and benchmarks of the commands in the pages.
func TestManualNamesWhatIsThere(t *testing.T) {
	root := moduleRoot(t)
	manual := page(t, root, "manual.md")
	rows := concepts(manual)
	if len(rows) < 15 {
		t.Fatalf("the manual's table of concepts has %d rows", len(rows))
	}
	for _, row := range rows {
		cells := strings.Split(strings.Trim(row, "| "), "|")
		if len(cells) != 4 {
			t.Errorf("not four cells: %s", row)
			continue
		}
		for _, cell := range cells[2:] {
			names := code.FindAllStringSubmatch(cell, -1)
			if len(names) == 0 {
				t.Errorf("names nothing: %s", cell)
			}
			for _, name := range names {
				if err := there(root, name[1]); err != "" {
					t.Errorf("%s: %s", strings.TrimSpace(cells[0]), err)
				}
			}
		}
	}
	for _, text := range []string{manual, page(t, root, "performance.md")} {
		for _, line := range command.FindAllString(text, -1) {
			if err := runs(root, line); err != "" {
				t.Errorf("%s: %s", line, err)
			}
		}
	}
}

// TestSecurityNamesWhatIsThere: so do the tests and transcripts that the page on
// security says.
func TestSecurityNamesWhatIsThere(t *testing.T) {
	root := moduleRoot(t)
	all := proofs(page(t, root, "security.md"))
	if len(all) < 100 {
		t.Fatalf("the page names %d tests", len(all))
	}
	for _, name := range all {
		if err := there(root, name); err != "" {
			t.Error(err)
		}
	}
}

func page(t *testing.T, root, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// concepts returns the rows of the table under the heading Concepts.
func concepts(manual string) (rows []string) {
	_, rest, _ := strings.Cut(manual, "\n## Concepts\n")
	section, _, _ := strings.Cut(rest, "\n## ")
	for line := range strings.Lines(section) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| Concept ") {
			rows = append(rows, line)
		}
	}
	return rows
}

// proofs returns the transcripts and the tests that a page names. A test is of the
// package that stands before it in its line, or of the core.
func proofs(page string) (all []string) {
	for line := range strings.Lines(page) {
		folder := "./internal/overlay"
		for _, span := range code.FindAllStringSubmatch(line, -1) {
			name := span[1]
			if first, test, two := strings.Cut(name, " "); two && strings.HasPrefix(first, "./") {
				folder, name = first, test
			}
			switch {
			case runnable.MatchString(name):
				all = append(all, folder+" "+name)
			case strings.HasSuffix(name, ".txt") && name != ".txt":
				all = append(all, "internal/overlay/testdata/"+name)
			}
		}
	}
	return all
}

// there says what is wrong with a file, or with a "./package TestName".
func there(root, name string) string {
	folder, test, isTest := strings.Cut(name, " ")
	if isTest {
		if !declared(filepath.Join(root, folder))[test] {
			return "no " + test + " in " + folder
		}
		return ""
	}
	if _, err := os.Stat(filepath.Join(root, name)); err != nil {
		return "no file " + name
	}
	return ""
}

// runs says what is wrong with a go test command: a package that is not there, or a
// pattern that none of its tests matches.
func runs(root, line string) string {
	line, _, _ = strings.Cut(line, "`")
	line, _, _ = strings.Cut(line, "&&")
	args := strings.Fields(strings.ReplaceAll(line, "'", ""))
	names, pattern := map[string]bool{}, ""
	for i, arg := range args {
		if strings.HasPrefix(arg, "./") && !strings.HasSuffix(arg, "...") {
			found := declared(filepath.Join(root, arg))
			if len(found) == 0 {
				return "no tests in " + arg
			}
			for name := range found {
				names[name] = true
			}
		}
		if arg != "-bench" && arg != "-run" {
			continue
		}
		if i+1 == len(args) {
			return "its line ends before the pattern"
		}
		if !strings.HasPrefix(args[i+1], "^$") {
			pattern = args[i+1]
		}
	}
	if pattern == "" || len(names) == 0 {
		return ""
	}
	pattern, _, _ = strings.Cut(pattern, "/") // subtests have no declaration
	for one := range strings.SplitSeq(pattern, "|") {
		matched := false
		for name := range names {
			ok, err := regexp.MatchString(one, name)
			if err != nil {
				return err.Error()
			}
			matched = matched || ok
		}
		if !matched {
			return "no test matches " + one
		}
	}
	return ""
}

// declared returns the tests, benchmarks and examples of a folder.
func declared(folder string) map[string]bool {
	names := map[string]bool{}
	files, _ := filepath.Glob(filepath.Join(folder, "*_test.go"))
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			continue // it does not compile, which go test tells
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if ok && fn.Recv == nil && runnable.MatchString(fn.Name.Name) {
				names[fn.Name.Name] = true
			}
		}
	}
	return names
}

func TestManualCheckFindsWhatIsMissing(t *testing.T) {
	root := moduleRoot(t)
	for name, want := range map[string]string{
		"internal/arch/manual_test.go":                         "",
		"internal/arch/nothing.go":                             "no file internal/arch/nothing.go",
		"./internal/arch TestManualCheckFindsWhatIsMissing":    "",
		"./internal/arch TestNothing":                          "no TestNothing in ./internal/arch",
		"./internal/nothing TestManualCheckFindsWhatIsMissing": "no TestManualCheckFindsWhatIsMissing in ./internal/nothing",
	} {
		if got := there(root, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for line, want := range map[string]string{
		"go test ./...": "",
		"go test -count=1 -run 'TestManual|TestPure/x' -v ./internal/arch": "",
		"go test -run 'TestManual|TestNothing' ./internal/arch":            "no test matches TestNothing",
		"go test -run '^$' -bench . ./internal/overlay":                    "",
		"go test ./internal/nothing":                                       "no tests in ./internal/nothing",
	} {
		if got := runs(root, line); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
	want := []string{"internal/overlay/testdata/a.txt", "./internal/overlay TestA", "./p2p TestB", "./p2p TestC"}
	if got := proofs("| x | `a.txt` `TestA`; `./p2p TestB` `TestC` `.txt` |\n"); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if rows := concepts("# M\n## Concepts\n\n| Concept | x |\n|---|---|\n| a | b |\n\n## Other\n| c | d |\n"); len(rows) != 1 {
		t.Errorf("rows %q", rows)
	}
}
