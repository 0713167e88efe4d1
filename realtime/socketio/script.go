package socketio

import (
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// Path is the path at which clients send requests to the server.
const Path = "/socket.io/"

// scripts are the files of the client library that pages load from this server. Each may have a source map.
var scripts = []string{"socket.io.js", "socket.io.min.js", "socket.io.slim.js", "socket.io.esm.min.js"}

// scriptName returns the name of the requested script, or "" if the request is for something else.
func scriptName(r *http.Request) string {
	name, ok := strings.CutPrefix(r.URL.Path, Path)
	if !ok || !slices.Contains(scripts, strings.TrimSuffix(name, ".map")) {
		return ""
	}
	return name
}

// serveScript serves a script from a folder. Browsers check after an hour whether it has changed.
func serveScript(w http.ResponseWriter, r *http.Request, folder, name string) {
	h := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "use GET or HEAD for a script", http.StatusMethodNotAllowed)
		return
	}
	file, modified, err := openFile(folder, name)
	if err != nil {
		h.Set("Cache-Control", "no-store")
		http.Error(w, name+" is not on this server. To provide it, run `make assets` or put the file into the folder of --assets.",
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

// openFile opens a regular file in a folder, and never a file in another folder. If folder is "", it returns
// os.ErrNotExist.
func openFile(folder, name string) (file *os.File, modified time.Time, err error) {
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
