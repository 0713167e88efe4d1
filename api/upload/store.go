package upload

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"regexp"
	"time"
)

// Errors of Save.
var (
	ErrUnsupported = errors.New("the file is no supported image or sound")
	ErrTooLarge    = errors.New("the file is too large")
)

// fileName matches the names that Save creates. Serve serves no other files.
var fileName = regexp.MustCompile(`^[0-9a-f]{32}\.[a-z0-9]{3,4}$`)

const sniffedBytes = 512 // number of bytes that are enough to detect the type of a file

// Store is a folder of uploaded files. It is safe for concurrent use.
type Store struct {
	folder   *os.Root
	maxBytes int64
}

// Open returns the Store of a folder. It creates the folder if it does not exist. maxBytes is the maximum size of a
// file.
func Open(folder string, maxBytes int64) (*Store, error) {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return nil, fmt.Errorf("create the folder of uploads: %w", err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("open the folder of uploads: %w", err)
	}
	return &Store{root, maxBytes}, nil
}

// Save stores a file under a new random name and returns the name. It returns ErrUnsupported, ErrTooLarge, a
// *fs.PathError if the folder cannot be written, or an error of file.
func (s *Store) Save(file io.Reader) (string, error) {
	head := make([]byte, sniffedBytes)
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", err
	}
	head = head[:n]
	extension := extensionOf(head)
	if extension == "" {
		return "", ErrUnsupported
	}
	name := randomName() + extension
	partial := name + ".part"
	if err := s.write(partial, io.MultiReader(bytes.NewReader(head), file)); err != nil {
		return "", errors.Join(err, s.folder.Remove(partial))
	}
	return name, s.folder.Rename(partial, name)
}

func (s *Store) write(name string, content io.Reader) error {
	f, err := s.folder.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return err
	}
	defer f.Close()
	n, err := io.Copy(f, io.LimitReader(content, s.maxBytes+1))
	switch {
	case err != nil:
		return err
	case n > s.maxBytes:
		return ErrTooLarge
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

func randomName() string {
	random := make([]byte, 16)
	rand.Read(random) // never fails
	return hex.EncodeToString(random)
}

// Serve writes the file with a name as the response and reports whether the file exists. If not, it writes nothing.
// Names are never reused, so clients may cache files permanently.
func (s *Store) Serve(w http.ResponseWriter, r *http.Request, name string) bool {
	contentType := contentTypeOf(path.Ext(name))
	if contentType == "" || !fileName.MatchString(name) {
		return false
	}
	f, err := s.folder.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Type", contentType)
	http.ServeContent(w, r, "", time.Time{}, f)
	return true
}
