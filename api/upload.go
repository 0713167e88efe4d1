package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"mime/multipart"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"roomlog/api/upload"
	"roomlog/domain"
)

const multipartOverhead = 8 << 10 // maximum size in bytes of a multipart body, not counting the file

// upload stores an image or a sound and responds with its URL. It ignores the file name and the content type that the
// client sent.
func (s *server) upload(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), s.UploadTimeout)
	defer cancel()
	var name string
	saved, err := s.receiveUpload(w, r)
	if err == nil {
		name, err = s.recordUpload(ctx, saved)
	}
	if err != nil {
		writeFailure(w, s.failure(ctx, err, nil))
		return
	}
	writeJSON(w, http.StatusOK, success[string]{"ok", requestOf(ctx).baseURL + "/uploads/" + name})
}

// recordUpload records a stored file in the log, and returns its name. If the log refuses the command, recordUpload
// deletes the file. If the process ends before, upload.Cleaner deletes the file.
func (s *server) recordUpload(ctx context.Context, saved upload.Saved) (string, error) {
	name := domain.UploadID(saved.Name)
	receipt, err := s.execute(ctx, domain.AddUpload{
		Upload: name, Bytes: saved.Bytes, Quota: s.UploadQuotaPerUser, Files: s.UploadFilesPerUser, SHA256: saved.SHA256,
	})
	recorded := name
	if err == nil {
		var added domain.UploadAdded
		added, _, err = eventOf[domain.UploadAdded](receipt)
		recorded = added.Upload // name of the file that an earlier request with the same key uploaded
	}
	if refused := domain.AsRefusal(err) != nil; refused || err == nil && recorded != name {
		_, failed := s.uploads.Remove(saved.Name)
		err = errors.Join(err, failed)
	}
	return string(recorded), err
}

func (s *server) receiveUpload(w http.ResponseWriter, r *http.Request) (upload.Saved, error) {
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(s.Now().Add(s.UploadTimeout)); err == nil {
		defer control.SetReadDeadline(time.Time{}) //nolint:errcheck // a broken connection needs no deadline
	}
	r.Body = http.MaxBytesReader(w, r.Body, s.UploadBytes+multipartOverhead)
	part, err := firstFile(r)
	if err != nil {
		return upload.Saved{}, uploadError(w, err)
	}
	saved, err := s.uploads.Save(part)
	switch {
	case errors.Is(err, upload.ErrUnsupported):
		err = refusal(codeImage, "the file must be a JPEG, PNG, GIF or WebP image, or an OGG, MP3, M4A, AAC, WebM, WAV or AMR sound")
	case errors.Is(err, upload.ErrDamaged):
		err = refusal(codeImageDamaged, "the image cannot be decoded: send the whole file of a JPEG, PNG, GIF or WebP image")
	case errors.Is(err, upload.ErrTooManyPixels):
		err = refusal(codeImageSize, "the image must have at most %d pixels, and at most %d in width and height: make it smaller", upload.MaxPixels, upload.MaxSide)
	case errors.Is(err, upload.ErrTooLarge):
		err = refusal(codeBodyTooLarge, "the file must have at most %d bytes", s.UploadBytes)
	case errors.Is(err, upload.ErrFull):
		s.log.WarnContext(r.Context(), "upload refused", slog.Any("error", err))
		err = refusal(codeStorageFull, "there is no space for uploads: try again later")
	}
	if err != nil {
		return upload.Saved{}, uploadError(w, err)
	}
	return saved, nil
}

// firstFile returns the first part of a multipart form that is a file.
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

// uploadError returns the error to report to the client: a *domain.Refusal, or an internal error if the disk failed. It
// also makes the server close the connection, because the rest of the upload may still arrive.
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

func (s *server) serveUpload(w http.ResponseWriter, r *http.Request) {
	if !s.uploads.Serve(w, r, chi.URLParam(r, "name")) {
		s.routeNotFound(w, r)
	}
}

func documentUpload(o *huma.Operation, _ huma.Registry) {
	o.Responses["200"].Content["application/json"].Example = success[string]{"ok", "https://live.example/uploads/0c9f3a7be1d24f5f.png"}
	o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"multipart/form-data": {Schema: &huma.Schema{
			Type: huma.TypeObject,
			Properties: map[string]*huma.Schema{
				"file": {Type: huma.TypeString, Format: "binary", Description: "a JPEG, PNG, GIF or WebP image, or an OGG, MP3, M4A, AAC, WebM, WAV or AMR sound, under any name"},
			},
		}},
	}}
}

// documentUploads adds the uploaded files to the OpenAPI document.
func documentUploads(r *routes, path string) {
	r.document(path, "Read an uploaded image or sound", map[string]*huma.Response{
		"200": {Description: "The file.", Content: map[string]*huma.MediaType{"*/*": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}},
		"404": {Description: "There is no such file.", Content: r.failureContent(codeNoRoute)},
	})
	o := r.huma.OpenAPI().Paths[path].Get
	o.Parameters = []*huma.Param{{
		Name: "name", In: "path", Required: true, Description: "name of the file", Example: "0c9f3a7be1d24f5f.png", Schema: &huma.Schema{Type: huma.TypeString},
	}}
}
