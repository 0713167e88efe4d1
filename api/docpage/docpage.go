package docpage

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/go-chi/chi/v5"

	"roomlog/internal/asset"
	"roomlog/internal/strictjson"
)

//go:embed scalar.js.gz scalar.sha256 page.html page.js
var embedded embed.FS

// Path is the path of the page, and the folder of its files.
const Path = "/docs"

// policy lets the page run scripts of this server and send requests to it, and nothing else. The viewer sets style
// attributes, so inline styles are permitted.
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// site is the page and the files that it loads, by their names.
type site struct {
	page  []byte
	files map[string]asset.File
}

// load returns the site. It panics if the embedded files do not fit together.
var load = sync.OnceValue(func() site {
	hash, name, found := strings.Cut(strings.TrimSpace(string(read("scalar.sha256"))), "  ")
	if !found {
		panic("docpage: scalar.sha256 is malformed")
	}
	start := read("page.js")
	viewer, script := hashed(name, hash[:12]), hashed("page.js", asset.Hash(start))
	page := new(bytes.Buffer)
	paths := struct{ Viewer, Start string }{Path + "/" + viewer, Path + "/" + script}
	if err := template.Must(template.New("page").Parse(string(read("page.html")))).Execute(page, paths); err != nil {
		panic("docpage: " + err.Error())
	}
	return site{page.Bytes(), map[string]asset.File{
		viewer: asset.Compressed(asset.JavaScript, read("scalar.js.gz")),
		script: asset.New(asset.JavaScript, start),
	}}
})

func read(name string) []byte {
	content, err := embedded.ReadFile(name)
	if err != nil {
		panic("docpage: " + err.Error())
	}
	return content
}

// hashed returns the name of a file with the beginning of its hash: "page-0123456789ab.js".
func hashed(name, hash string) string {
	return strings.TrimSuffix(name, ".js") + "-" + hash + ".js"
}

// Page serves the page.
func Page(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", asset.HTML)
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	_, _ = w.Write(load().page) // fails only if the client has disconnected
}

// Redirect sends browsers to the page.
func Redirect(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, Path, http.StatusFound) }

// File returns the handler of the files of the page. notFound handles requests for other names.
func File(notFound http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f, found := load().files[chi.URLParam(r, "file")]
		if !found {
			notFound(w, r)
			return
		}
		asset.CacheForGood(w)
		f.Serve(w, r)
	}
}

// Document returns the handler of a JSON document that does not change while the process runs. get returns the
// document; it is called once, at the first request.
func Document(get func() []byte) http.HandlerFunc {
	f := sync.OnceValue(func() asset.File { return asset.New(asset.JSON, get()) })
	return func(w http.ResponseWriter, r *http.Request) { f().Serve(w, r) }
}

// AsyncDocument serves an AsyncAPI document. Its only server is the one that the client has reached: base returns the URL of
// that server. get returns the document, a JSON object; it is called once, at the first request.
func AsyncDocument(get func() []byte, base func(*http.Request) string) http.HandlerFunc {
	members := sync.OnceValue(func() (members map[string]json.RawMessage) {
		if err := strictjson.Unmarshal(get(), &members); err != nil {
			panic("docpage: " + err.Error())
		}
		return members
	})
	type hosted struct {
		base string
		asset.File
	}
	var newest atomic.Pointer[hosted]
	return func(w http.ResponseWriter, r *http.Request) {
		reached := base(r)
		h := newest.Load()
		if h == nil || h.base != reached {
			h = &hosted{reached, asset.New(asset.JSON, withServer(members(), reached))}
			newest.Store(h)
		}
		h.Serve(w, r)
	}
}

// withServer returns a document with a server that clients reach at base, such as https://live.example.
func withServer(members map[string]json.RawMessage, base string) []byte {
	server := map[string]string{"host": "localhost", "protocol": "ws"}
	if u, err := url.Parse(base); err == nil && u.Host != "" {
		server["host"] = u.Host
		if u.Scheme == "https" {
			server["protocol"] = "wss"
		}
	}
	servers, err := json.Marshal(map[string]any{"this": server})
	own := maps.Clone(members)
	own["servers"] = servers
	content, marshalErr := json.Marshal(own)
	if err := errors.Join(err, marshalErr); err != nil {
		panic("docpage: " + err.Error()) // cannot happen: the document was decoded from JSON
	}
	return content
}
