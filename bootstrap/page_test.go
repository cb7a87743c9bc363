package bootstrap

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestPageAssets(t *testing.T) {
	s := startServer(t)
	index := get(t, s, "/")
	if kind := index.Header().Get("Content-Type"); index.Code != http.StatusOK || kind != "text/html; charset=utf-8" {
		t.Fatalf("%d, %s", index.Code, kind)
	}
	// Everything that the page names is there, of the type that a browser insists on.
	for _, found := range regexp.MustCompile(`(?:src|href)="(page/[^"]+)"`).FindAllStringSubmatch(index.Body.String(), -1) {
		path := "/" + found[1]
		w := get(t, s, path)
		want := map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
		if kind := w.Header().Get("Content-Type"); w.Code != http.StatusOK || kind != want[filepath.Ext(path)] {
			t.Errorf("%s: %d, %q", path, w.Code, kind)
		}
		tag := w.Header().Get("ETag")
		if again := get(t, s, path, withHeader("If-None-Match", tag)); tag == "" || again.Code != http.StatusNotModified {
			t.Errorf("%s with ETag %s again: %d", path, tag, again.Code)
		}
	}
	for _, path := range []string{"/page/", "/page/none.js", "/page/vendor", "/page/..%2fpage.go", "/page/../page.go", "/nonsense"} {
		if w := get(t, s, path); w.Code == http.StatusOK {
			t.Errorf("%s is served: %.40s", path, w.Body)
		}
	}
	if w := get(t, s, "/page/vendor/d3-force.LICENSE"); w.Code != http.StatusOK {
		t.Errorf("a licence: %d", w.Code)
	}
}

// Each module that the page's scripts import is there too.
func TestPageImports(t *testing.T) {
	files, err := filepath.Glob("page/*.js")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`from '([^']+)'`).FindAllSubmatch(source, -1) {
			if _, err := os.Stat(filepath.Join("page", string(found[1]))); err != nil {
				t.Errorf("%s imports %s: %v", file, found[1], err)
			}
		}
		if forbidden := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|https?://`).Find(source); forbidden != nil && !strings.Contains(string(source), "www.w3.org/2000/svg") {
			t.Errorf("%s has %s", file, forbidden)
		}
	}
}
