package socketio

import (
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
)

// scripts are the files that pages load from this door.
var scripts = []string{"socket.io.js", "socket.io.js.map", "socket.io.min.js", "socket.io.min.js.map"}

// script answers which of the scripts a request is for, or "".
func script(r *http.Request) string {
	name, ok := strings.CutPrefix(r.URL.Path, Path)
	if !ok || !slices.Contains(scripts, name) {
		return ""
	}
	return name
}

// serveScript serves a script, if the deployment provides it.
func (d *Door) serveScript(w http.ResponseWriter, r *http.Request, name string) {
	if d.cfg.Assets == "" || r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.NotFound(w, r)
		return
	}
	root, err := os.OpenRoot(d.cfg.Assets)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer root.Close()
	w.Header().Set("Cache-Control", "public, max-age=3600")
	if path.Ext(name) == ".js" {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	}
	http.ServeFileFS(w, r, root.FS(), name)
}
