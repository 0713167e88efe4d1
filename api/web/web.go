package web

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"

	"roomlog/internal/asset"
)

//go:embed assets
var embedded embed.FS

// FilesRoute is the pattern of the files of the page.
const FilesRoute = "/page/{version}/*"

// Paths are the addresses of the page besides "/" and LiveRoute. The page itself chooses what it shows at each of them.
var Paths = []string{"/past", "/studio", "/studio/{live}", "/desk", "/desk/{part}", "/me", "/replay/{live}"}

// LiveRoute is the pattern of the address of a live on the page.
const LiveRoute = "/watch/{live}"

// Options are the options of the page.
type Options struct {
	MediaURL     string `json:"media_url"`     // URL by which the page reaches streams; "" means the server of the page
	RTMPPort     string `json:"rtmp_port"`     // port to which encoders publish; "" means unknown
	TestPayments bool   `json:"test_payments"` // whether orders can be paid without money
}

// Preview describes what an address shows, for the previews of links in other apps. Its zero value describes the product.
type Preview struct {
	Title       string
	Description string
	Image       string // absolute URL, may be empty
	URL         string // absolute URL of the address
}

// Page is the page with its options. It is safe for concurrent use.
type Page struct {
	options string // options as JSON
	policy  string
	index   *template.Template
}

// New returns the page for viewers, streamers and operators.
func New(o Options) *Page {
	text, err := json.Marshal(o)
	if err != nil {
		panic("web: " + err.Error()) // cannot happen: the options are texts
	}
	connect := "'self'"
	if o.MediaURL != "" {
		connect += " " + o.MediaURL + " " + strings.Replace(o.MediaURL, "http", "ws", 1)
	}
	return &Page{
		options: string(text),
		policy: "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob: https: " + o.MediaURL + "; connect-src " + connect +
			"; media-src 'self' blob: " + o.MediaURL + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		index: template.Must(template.ParseFS(embedded, "assets/index.html")),
	}
}

// site is the files of the page by their paths, and the hash of all of them.
type site struct {
	version string
	files   map[string]asset.File
	modules []string // paths of the modules that every view needs
}

var contentTypes = map[string]string{
	".js": asset.JavaScript, ".css": asset.CSS, ".json": asset.JSON, ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8", ".ts": "text/plain; charset=utf-8",
}

// load returns the site. It panics if the embedded files cannot be read.
var load = sync.OnceValue(func() site {
	s := site{files: make(map[string]asset.File)}
	var all bytes.Buffer
	err := fs.WalkDir(embedded, "assets", func(name string, entry fs.DirEntry, err error) error {
		kind := contentTypes[path.Ext(name)]
		if err != nil || entry.IsDir() || kind == "" {
			return err
		}
		content, err := embedded.ReadFile(name)
		if err != nil {
			return err
		}
		name = strings.TrimPrefix(name, "assets/")
		all.WriteString(name + "\n")
		all.Write(content)
		s.files[name] = asset.New(kind, content)
		return nil
	})
	if err != nil {
		panic("web: " + err.Error())
	}
	s.version = asset.Hash(all.Bytes())
	s.modules = []string{"client.js", "live.js", "vendor/ui.js", "state.js", "text.js", "parts.js", "lives.js"}
	return s
})

// Write writes the page. preview describes what its address shows.
func (p *Page) Write(w http.ResponseWriter, preview Preview) {
	s := load()
	h := w.Header()
	h.Set("Content-Type", asset.HTML)
	h.Set("Content-Security-Policy", p.policy)
	h.Set("Cache-Control", "no-cache")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	// The execution fails only if the client has disconnected.
	_ = p.index.Execute(w, struct {
		Preview
		Base, Options string
		Modules       []string
	}{preview, "/page/" + s.version, p.options, s.modules})
}

// File returns the handler of FilesRoute. notFound handles requests for other files.
func File(notFound http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s := load()
		f, found := s.files[chi.URLParam(r, "*")]
		if !found || chi.URLParam(r, "version") != s.version {
			notFound(w, r)
			return
		}
		asset.CacheForGood(w)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		f.Serve(w, r)
	}
}
