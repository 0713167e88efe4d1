package socketio

import (
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// scripts are the files that pages load from this door, as the old servers had them. Each may have a map.
var scripts = []string{"socket.io.js", "socket.io.min.js", "socket.io.slim.js", "socket.io.esm.min.js"}

// script answers which of the scripts a request is for, or "".
func script(r *http.Request) string {
	name, ok := strings.CutPrefix(r.URL.Path, Path)
	if !ok || !slices.Contains(scripts, strings.TrimSuffix(name, ".map")) {
		return ""
	}
	return name
}

// serveScript serves a script, if the deployment provides it. Pages ask again after an hour, and get it again only
// if it is another one.
func (d *Door) serveScript(w http.ResponseWriter, r *http.Request, name string) {
	h := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "a script can only be read", http.StatusMethodNotAllowed)
		return
	}
	file, modified, err := openIn(d.cfg.Assets, name)
	if err != nil {
		h.Set("Cache-Control", "no-store")
		http.Error(w, name+" is not provided here. The operator of this server gets it with `make assets`, or puts it into the folder --assets.",
			http.StatusNotFound)
		return
	}
	defer file.Close()
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	if path.Ext(name) == ".map" {
		h.Set("Content-Type", "application/json")
	}
	http.ServeContent(w, r, name, modified, file)
}

// openIn opens a file of a folder, and of no other. Without a folder there is none.
func openIn(folder, name string) (file *os.File, modified time.Time, err error) {
	if folder == "" {
		return nil, modified, os.ErrNotExist
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, modified, err
	}
	defer root.Close()
	if file, err = root.Open(name); err != nil {
		return nil, modified, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = os.ErrNotExist
	}
	if err != nil {
		_ = file.Close()
		return nil, modified, err
	}
	return file, info.ModTime(), nil
}
