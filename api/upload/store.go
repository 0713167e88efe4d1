package upload

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"

	"roomlog/internal/disk"
)

// Errors of Save.
var (
	ErrUnsupported = errors.New("the file is no supported image or sound")
	ErrTooLarge    = errors.New("the file is too large")
	ErrFull        = errors.New("there is no space for uploads")
)

// fileName matches the names that Save creates. Serve serves no other files.
var fileName = regexp.MustCompile(`^[0-9a-f]{32}\.[a-z0-9]{3,4}$`)

const (
	sniffedBytes  = 512       // number of bytes from which the type of a file can be detected
	claimedBytes  = 256 << 10 // number of bytes of space that Save claims at a time
	partialSuffix = ".part"   // suffix of files that are not complete
)

// Marker is the name of a file in the folder. Uploads that are older than this file are not in the log.
const Marker = ".since"

// Config configures a Store. Folder is required.
type Config struct {
	Folder   string
	MaxBytes int64 // maximum size of a file in bytes
	Quota    int64 // maximum size of all files in bytes; 0 or less: no limit
	disk.Settings
}

// Store is a folder with uploaded files. It is safe for concurrent use.
type Store struct {
	config Config
	folder *os.Root
	since  time.Time // time since which the log records uploads

	mu    sync.Mutex
	bytes int64 // size of all files, including what running uploads have claimed
}

// Open returns the Store for a folder. It creates a missing folder, and adds up the sizes of the files.
func Open(c Config) (*Store, error) {
	if err := os.MkdirAll(c.Folder, 0o750); err != nil {
		return nil, fmt.Errorf("create the folder of uploads: %w", err)
	}
	root, err := os.OpenRoot(c.Folder)
	if err != nil {
		return nil, fmt.Errorf("open the folder of uploads: %w", err)
	}
	s := &Store{config: c, folder: root}
	if s.since, err = openMarker(root); err != nil {
		return nil, err
	}
	files, err := s.Files()
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), partialSuffix) {
			s.bytes += f.Size()
		}
	}
	return s, nil
}

// openMarker returns the time since which the log records all uploads of the folder: the first start of a version that
// records them.
func openMarker(root *os.Root) (time.Time, error) {
	f, err := root.OpenFile(Marker, os.O_RDONLY|os.O_CREATE, 0o640)
	if err != nil {
		return time.Time{}, fmt.Errorf("open the folder of uploads: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return time.Time{}, fmt.Errorf("open the folder of uploads: %w", err)
	}
	return info.ModTime(), nil
}

// Files returns the files of the folder, including those that are not complete.
func (s *Store) Files() ([]fs.FileInfo, error) {
	dir, err := s.folder.Open(".")
	if err != nil {
		return nil, fmt.Errorf("open the folder of uploads: %w", err)
	}
	defer dir.Close()
	all, err := dir.Readdir(-1)
	if err != nil {
		return nil, fmt.Errorf("list the uploads: %w", err)
	}
	files := all[:0]
	for _, f := range all {
		if f.Mode().IsRegular() && fileName.MatchString(strings.TrimSuffix(f.Name(), partialSuffix)) {
			files = append(files, f)
		}
	}
	return files, nil
}

// Bytes returns the size of all files in bytes.
func (s *Store) Bytes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes
}

// claim counts n bytes that are about to be written. It returns an error that wraps ErrFull if they exceed the quota.
func (s *Store) claim(n int64) error {
	if err := s.config.Check(s.config.Folder, n); err != nil {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.config.Quota > 0 && s.bytes+n > s.config.Quota {
		return fmt.Errorf("%w: the quota of all uploads is %d bytes", ErrFull, s.config.Quota)
	}
	s.bytes += n
	return nil
}

func (s *Store) release(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes -= n
}

// Saved describes a file that Save has stored.
type Saved struct {
	Name   string
	Bytes  int64
	SHA256 string // lower-case hexadecimal
}

// Save stores a file under a new random name. Errors: ErrUnsupported, ErrTooLarge,
// ErrDamaged, ErrTooManyPixels, an error that wraps ErrFull, a *fs.PathError if the folder cannot be written, and the
// errors of file.
func (s *Store) Save(file io.Reader) (saved Saved, err error) {
	head := make([]byte, sniffedBytes)
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return Saved{}, err
	}
	head = head[:n]
	extension := extensionOf(head)
	if extension == "" {
		return Saved{}, ErrUnsupported
	}
	name := randomName() + extension
	partial := name + partialSuffix
	sum := sha256.New()
	size, claimed, err := s.write(partial, io.TeeReader(io.MultiReader(bytes.NewReader(head), file), sum))
	if err == nil && isImage(extension) {
		err = s.checkImage(partial)
	}
	if err == nil {
		err = s.folder.Rename(partial, name)
	}
	if disk.IsFull(err) && !errors.Is(err, ErrFull) { // there is no reserve, or another program has used it
		err = fmt.Errorf("%w: %w", ErrFull, err)
	}
	if err != nil {
		_ = s.folder.Remove(partial) // the file may not exist
		s.release(claimed)
		return Saved{}, err
	}
	s.release(claimed - size)
	return Saved{name, size, hex.EncodeToString(sum.Sum(nil))}, nil
}

// write writes a file. It returns the size of the file, and the bytes that it has claimed even if it fails.
func (s *Store) write(name string, content io.Reader) (size, claimed int64, err error) {
	f, err := s.folder.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	content = io.LimitReader(content, s.config.MaxBytes+1)
	for more := true; more; {
		if err := s.claim(claimedBytes); err != nil {
			return 0, claimed, err
		}
		claimed += claimedBytes
		n, err := io.CopyN(f, content, claimedBytes)
		size += n
		if more = err == nil; err != nil && !errors.Is(err, io.EOF) {
			return 0, claimed, err
		}
	}
	if size > s.config.MaxBytes {
		return 0, claimed, ErrTooLarge
	}
	if err := f.Sync(); err != nil {
		return 0, claimed, err
	}
	return size, claimed, f.Close()
}

func (s *Store) checkImage(name string) error {
	f, err := s.folder.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return checkImage(f)
}

// Remove deletes the file with the name. It reports whether the file existed.
func (s *Store) Remove(name string) (bool, error) {
	info, err := s.folder.Lstat(name)
	if err == nil {
		err = s.folder.Remove(name)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("delete an upload: %w", err)
	}
	s.release(info.Size())
	return true, nil
}

func randomName() string {
	random := make([]byte, 16)
	rand.Read(random) // rand.Read never fails
	return hex.EncodeToString(random)
}

// Serve writes a file as the response. It reports whether the file exists; if not, it writes nothing. Names are never
// used again, so clients may cache files permanently.
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
