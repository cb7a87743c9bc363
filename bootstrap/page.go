package bootstrap

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed page
var pageAssets embed.FS

// pageType is the type of an asset. It does not depend on what the system believes of
// an extension.
func pageType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return "text/plain; charset=utf-8" // licences and the like
}

// pageFiles serves the page's assets below /page/.
func pageFiles() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pageFile(strings.TrimPrefix(path.Clean(r.URL.Path), "/page/")).ServeHTTP(w, r)
	})
}

// pageFile serves one asset. A browser keeps it and asks whether it is still the
// same.
func pageFile(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := pageAssets.ReadFile(path.Join("page", name))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		sum := sha256.Sum256(data)
		h := w.Header()
		h.Set("Content-Type", pageType(name))
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
		allowWrite(w)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	})
}
