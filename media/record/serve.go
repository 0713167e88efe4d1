package record

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"roomlog/media/rtmp"
)

// writeTime is how long a player has to take some of a file.
const writeTime = 30 * time.Second

// ErrForbidden is what a Door's gate says of who may not play a recording. ErrNotFound says that there is none.
var ErrForbidden = errors.New("record: forbidden")

// Handler serves the files of recordings, also of those that are being written, as far as they are. Its paths are
// FOLDER/ID/FILE; what stands before them is for whoever mounts it.
type Handler struct {
	// Recorder has the files.
	Recorder *Recorder
	// Gate decides who may play a recording, by the sign of the request.
	Authorize func(ctx context.Context, folder, id, sign string) error
	// Origin is what browsers are told may play.
	AllowOrigin string
}

// types are the media types of files.
var types = map[string]string{suffixMP4: "video/mp4", suffixFLV: "video/x-flv", ".jsonl": "application/x-ndjson"}

// ServeHTTP answers GET and HEAD, with ranges. What may not be played gets 403, and what is not there 404, with
// an empty body.
func (d *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", d.AllowOrigin)
	h.Set("Access-Control-Expose-Headers", "Accept-Ranges, Content-Length, Content-Range")
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		h.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
		h.Set("Access-Control-Allow-Headers", "Range")
		h.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		h.Set("Allow", "GET, HEAD, OPTIONS")
		refuse(w, http.StatusMethodNotAllowed)
		return
	}
	parts := strings.Split(r.URL.Path, "/")
	if len(parts) != 3 || !rtmp.ValidName(parts[0]) || !rtmp.ValidName(parts[1]) {
		refuse(w, http.StatusNotFound)
		return
	}
	err := d.Authorize(r.Context(), parts[0], parts[1], r.URL.Query().Get("sign"))
	if err == nil {
		err = d.serve(w, r, parts[0], parts[1], parts[2])
	}
	switch {
	case err == nil:
	case errors.Is(err, ErrForbidden):
		refuse(w, http.StatusForbidden)
	case errors.Is(err, ErrNotFound):
		refuse(w, http.StatusNotFound)
	case r.Context().Err() == nil:
		d.Recorder.cfg.Log.ErrorContext(r.Context(), "a recording cannot be served", slog.String("path", r.URL.Path), slog.Any("err", err))
		h.Set("Retry-After", "5")
		refuse(w, http.StatusServiceUnavailable)
	}
}

func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
}

func (d *Handler) serve(w http.ResponseWriter, r *http.Request, folder, id, name string) error {
	file, rec, err := d.Recorder.Open(folder, id, name)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	size := info.Size()
	for _, p := range rec.Parts {
		if p.File == name {
			size = min(size, p.Bytes) // behind that somebody is writing
		}
	}
	h := w.Header()
	h.Set("Content-Type", types[name[strings.LastIndexByte(name, '.'):]])
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store") // it grows
	if !rec.EndedAt.IsZero() {
		h.Set("Cache-Control", "private, max-age=3600")
		h.Set("ETag", fmt.Sprintf(`"%s-%s-%d"`, id, name, size))
	}
	slow := &patient{SectionReader: io.NewSectionReader(file, 0, size), control: http.NewResponseController(w), now: d.Recorder.cfg.Now}
	defer slow.control.SetWriteDeadline(time.Time{}) //nolint:errcheck // a connection that has broken needs no deadline
	http.ServeContent(w, r, name, info.ModTime(), slow)
	return nil
}

// patient gives the player its time anew for every piece that it is sent.
type patient struct {
	*io.SectionReader
	control *http.ResponseController
	now     func() time.Time
}

// Read implements io.Reader.
func (p *patient) Read(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(p.now().Add(writeTime))
	return p.SectionReader.Read(b)
}

var _ io.ReadSeeker = (*patient)(nil)
