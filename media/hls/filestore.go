package hls

import (
	"net/http"
	"strconv"
	"sync"
)

const immutable = "public, max-age=31536000, immutable"

// fileStore holds the files of a run. Its methods may be called concurrently.
type fileStore struct {
	mu    sync.RWMutex
	files map[string]storedFile
}

// storedFile is the content of a file. The chunks never change.
type storedFile struct {
	kind   string // MIME type
	chunks [][]byte
}

func newFileStore() *fileStore { return &fileStore{files: map[string]storedFile{}} }

func (s *fileStore) put(name, kind string, chunks ...[]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[name] = storedFile{kind, chunks}
}

func (s *fileStore) remove(names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		delete(s.files, name)
	}
}

// serve serves a file, and reports whether it exists. Files are immutable, because no name is used twice.
func (s *fileStore) serve(w http.ResponseWriter, name string) bool {
	s.mu.RLock()
	f, found := s.files[name]
	s.mu.RUnlock()
	if !found {
		return false
	}
	size := 0
	for _, chunk := range f.chunks {
		size += len(chunk)
	}
	w.Header().Set("Cache-Control", immutable)
	w.Header().Set("Content-Type", f.kind)
	w.Header().Set("Content-Length", strconv.Itoa(size))
	w.WriteHeader(http.StatusOK)
	for _, chunk := range f.chunks {
		if _, err := w.Write(chunk); err != nil {
			return true
		}
	}
	return true
}
