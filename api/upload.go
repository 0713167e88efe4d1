package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"os"
	"path"
	"regexp"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"roomlog/domain"
)

// uploadName matches the names that upload gives to files. No other file is served.
var uploadName = regexp.MustCompile(`^[0-9a-f]{32}\.[a-z0-9]{3,4}$`)

const (
	sniffedBytes      = 512     // enough to detect the type of a file
	multipartOverhead = 8 << 10 // bytes of a multipart body beside the file
)

// upload stores an image or a sound and responds with its URL. It ignores the name and the type that the client sends.
func (s *server) upload(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), s.UploadTimeout)
	defer cancel()
	name, err := s.receiveUpload(w, r)
	if err != nil {
		writeFailure(w, s.failure(ctx, err, nil))
		return
	}
	writeJSON(w, http.StatusOK, success[string]{"ok", requestOf(ctx).baseURL + "/uploads/" + name})
}

// receiveUpload stores the file in a request and returns its name.
func (s *server) receiveUpload(w http.ResponseWriter, r *http.Request) (string, error) {
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(s.Now().Add(s.UploadTimeout)); err == nil {
		defer control.SetReadDeadline(time.Time{}) //nolint:errcheck // a broken connection needs no deadline
	}
	r.Body = http.MaxBytesReader(w, r.Body, s.UploadBytes+multipartOverhead)
	part, err := firstFile(r)
	if err != nil {
		return "", uploadError(w, err)
	}
	name, err := s.storeUpload(part)
	if err != nil {
		return "", uploadError(w, err)
	}
	return name, nil
}

// firstFile returns the first part of a form that is a file.
func firstFile(r *http.Request) (*multipart.Part, error) {
	form, err := r.MultipartReader()
	if err != nil {
		return nil, badRequest("send multipart/form-data with an image or a sound")
	}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, badRequest("the form contains no file")
		}
		if err != nil || part.FileName() != "" {
			return part, err
		}
	}
}

// uploadError returns the error for the client: a refusal unless the disk failed. It closes the connection because the
// rest of the upload may still arrive.
func uploadError(w http.ResponseWriter, err error) error {
	var disk *fs.PathError
	if domain.AsRefusal(err) != nil {
		w.Header().Set("Connection", "close")
		return err
	}
	if errors.As(err, &disk) {
		return fmt.Errorf("store an upload: %w", err)
	}
	return bodyError(w, err)
}

// storeUpload stores a file under a new random name and returns the name. It stores the whole file or nothing.
func (s *server) storeUpload(file io.Reader) (string, error) {
	head := make([]byte, sniffedBytes)
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", err
	}
	head = head[:n]
	extension := extensionOf(head)
	if extension == "" {
		return "", refusal(codeImage, "the file must be a JPEG, PNG, GIF or WebP image, or an OGG, MP3, M4A, AAC, WebM, WAV or AMR sound")
	}
	name := randomName() + extension
	partial := name + ".part"
	if err := s.writeUpload(partial, io.MultiReader(bytes.NewReader(head), file)); err != nil {
		return "", errors.Join(err, s.uploads.Remove(partial))
	}
	return name, s.uploads.Rename(partial, name)
}

func (s *server) writeUpload(name string, content io.Reader) error {
	f, err := s.uploads.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return err
	}
	defer f.Close()
	n, err := io.Copy(f, io.LimitReader(content, s.UploadBytes+1))
	switch {
	case err != nil:
		return err
	case n > s.UploadBytes:
		return refusal(codeBodyTooLarge, "the file must have at most %d bytes", s.UploadBytes)
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

// serveUpload serves an image or a sound. Files are untrusted, so the headers forbid browsers to run them. Names are
// never used again, so clients may cache the files for good.
func (s *server) serveUpload(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "name")
	contentType := contentTypeOf(path.Ext(name))
	if contentType == "" || !uploadName.MatchString(name) {
		s.routeNotFound(w, r)
		return
	}
	f, err := s.uploads.Open(name)
	if err != nil {
		s.routeNotFound(w, r)
		return
	}
	defer f.Close()
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Type", contentType)
	http.ServeContent(w, r, "", time.Time{}, f)
}

func documentUpload(o *huma.Operation, _ huma.Registry) {
	o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"multipart/form-data": {Schema: &huma.Schema{
			Type: huma.TypeObject,
			Properties: map[string]*huma.Schema{
				"file": {Type: huma.TypeString, Format: "binary", Description: "a JPEG, PNG, GIF or WebP image, or an OGG, MP3, M4A, AAC, WebM, WAV or AMR sound, under any name"},
			},
		}},
	}}
}
