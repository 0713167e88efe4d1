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

// uploadName is every name that upload gives: nothing else is served.
var uploadName = regexp.MustCompile(`^[0-9a-f]{32}\.[a-z0-9]{3,4}$`)

const (
	sniffed  = 512     // bytes that tell a file's type
	partRoom = 8 << 10 // for what a multipart body has beside the file
)

// upload keeps a picture or a sound and answers its address. What the client says about its name and type
// is not looked at.
func (s *server) upload(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), s.UploadTimeout)
	defer cancel()
	name, err := s.keepUpload(ctx, w, r)
	if err != nil {
		writeFailure(w, s.failed(ctx, err, nil))
		return
	}
	writeJSON(w, http.StatusOK, success[string]{"ok", askerOf(ctx).base + "/uploads/" + name})
}

func (s *server) keepUpload(ctx context.Context, w http.ResponseWriter, r *http.Request) (string, error) {
	member, err := s.member(ctx)
	if err != nil {
		return "", err
	}
	if err := s.limits.uploads.admit(byUser(member.ID)); err != nil {
		return "", err
	}
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(s.Now().Add(s.UploadTimeout)); err == nil {
		defer control.SetReadDeadline(time.Time{}) //nolint:errcheck // a connection that has broken needs no deadline
	}
	r.Body = http.MaxBytesReader(w, r.Body, s.UploadBytes+partRoom)
	part, err := firstFile(r)
	if err != nil {
		return "", unreadable(w, err)
	}
	name, err := s.keep(part)
	if err != nil {
		return "", unreadable(w, err)
	}
	return name, nil
}

// firstFile answers the first part that is a file.
func firstFile(r *http.Request) (*multipart.Part, error) {
	form, err := r.MultipartReader()
	if err != nil {
		return nil, badRequest("send multipart/form-data with a picture or a sound")
	}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, badRequest("there is no file in the form")
		}
		if err != nil || part.FileName() != "" {
			return part, err
		}
	}
}

// unreadable tells the faults of an upload on its way from ours.
func unreadable(w http.ResponseWriter, err error) error {
	var disk *fs.PathError
	if domain.AsRefusal(err) != nil {
		w.Header().Set("Connection", "close") // the rest of it is still on the way
		return err
	}
	if errors.As(err, &disk) {
		return fmt.Errorf("keep an upload: %w", err)
	}
	return unread(w, err)
}

// keep writes a file under a name of its own. It is there whole or not at all.
func (s *server) keep(file io.Reader) (string, error) {
	head := make([]byte, sniffed)
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", err
	}
	head = head[:n]
	ending := endingOf(head)
	if ending == "" {
		return "", refusal(codeImage, "this is no JPEG, PNG, GIF or WebP picture and no OGG, MP3, M4A, AAC, WebM, WAV or AMR sound")
	}
	name := randomName() + ending
	partial := name + ".part"
	if err := s.write(partial, io.MultiReader(bytes.NewReader(head), file)); err != nil {
		return "", errors.Join(err, s.uploads.Remove(partial))
	}
	return name, s.uploads.Rename(partial, name)
}

func (s *server) write(name string, content io.Reader) error {
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
		return refusal(codeBodyTooLarge, "a file has %d bytes at most", s.UploadBytes)
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

// uploaded serves a picture or a sound. It came from anybody: browsers are told to take it for nothing
// else. Its name is never used again, so it may be kept for ever.
func (s *server) uploaded(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "name")
	kind := kindOf(path.Ext(name))
	if kind == "" || !uploadName.MatchString(name) {
		s.noRoute(w, r)
		return
	}
	f, err := s.uploads.Open(name)
	if err != nil {
		s.noRoute(w, r)
		return
	}
	defer f.Close()
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Type", kind)
	http.ServeContent(w, r, "", time.Time{}, f)
}

func documentUpload(o *huma.Operation, _ huma.Registry) {
	o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"multipart/form-data": {Schema: &huma.Schema{
			Type: huma.TypeObject,
			Properties: map[string]*huma.Schema{
				"file": {Type: huma.TypeString, Format: "binary", Description: "JPEG, PNG, GIF, WebP, or a sound in OGG, MP3, M4A, AAC, WebM, WAV or AMR, under any name"},
			},
		}},
	}}
}
