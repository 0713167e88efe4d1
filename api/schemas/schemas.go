package schemas

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
)

//go:embed *.json
var files embed.FS

// Path is the folder of the schemas.
const Path = "/schemas/"

// Entry is one schema in the list of schemas.
type Entry struct {
	Type string `json:"type" example:"gift.sent.v2"`
	URL  string `json:"url" example:"/schemas/gift.sent.v2.json"`
}

// List serves a list of all schemas, sorted by event type.
func List(w http.ResponseWriter, r *http.Request) {
	var all []Entry
	found, err := files.ReadDir(".")
	for _, f := range found {
		all = append(all, Entry{strings.TrimSuffix(f.Name(), ".json"), Path + f.Name()})
	}
	text, encoding := json.Marshal(all)
	if err != nil || encoding != nil {
		panic(fmt.Sprintf("schemas: %v, %v", err, encoding)) // cannot happen: the files are part of the program
	}
	serve(w, r, "application/json", text)
}

// File returns the handler of the schemas. notFound handles requests for other names.
func File(notFound http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text, err := files.ReadFile(chi.URLParam(r, "file"))
		if err != nil {
			notFound(w, r)
			return
		}
		serve(w, r, "application/schema+json", text)
	}
}

// serve writes a file that clients may keep for an hour. Texts of a schema may change with the version of roomlog.
func serve(w http.ResponseWriter, r *http.Request, contentType string, text []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(text)))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
}
