package api

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"
)

// pageFiles contains the documentation page at /docs. The page loads nothing from other servers and therefore works
// offline.
//
//go:embed page
var pageFiles embed.FS

// openAPIJSON returns the OpenAPI document as JSON.
func openAPIJSON(document *huma.OpenAPI) ([]byte, error) {
	b, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("api: encode the OpenAPI document: %w", err)
	}
	return b, nil
}

func (s *server) openapi(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(s.spec) // fails only if the client has disconnected
}

func (s *server) docs(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "file")
	if name == "" {
		name = "index.html"
	}
	content, err := fs.ReadFile(pageFiles, "page/"+path.Base(name))
	if err != nil {
		s.routeNotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'")
	_, _ = w.Write(content) // fails only if the client has disconnected
}
