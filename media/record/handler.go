package record

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"roomlog/internal/wait"
	"roomlog/media"
	"roomlog/media/hls"
	"roomlog/media/rtmp"
)

// ErrForbidden is returned by Handler.Authorize when the client may not play a recording. When the recording does not
// exist, Authorize returns ErrNotFound.
var ErrForbidden = errors.New("record: forbidden")

// Handler serves the files of recordings at the paths FOLDER/ID/FILE, without a leading slash. Of running recordings
// it serves the data that is already written. FOLDER/ID/index.m3u8 is an HLS playlist of the recording. The HTTP server must
// have timeouts for clients that do not read (package httpserver).
type Handler struct {
	// Recorder has the files of this node; nil means that it has none.
	Recorder *Recorder
	// Authorize returns nil if the sign of a request permits to play a recording, otherwise ErrForbidden or
	// ErrNotFound. It is called again every second while a response lasts. An error that also wraps media.ErrSignExpired says that
	// the sign has expired and that the client would otherwise have the right.
	Authorize func(ctx context.Context, folder, id, sign string) error
	// Elsewhere serves a file of a recording that this node does not have to a client that may play it. It returns ErrNotFound if
	// no other node has it; after an error it has written nothing. nil means that there are no other nodes.
	Elsewhere func(w http.ResponseWriter, r *http.Request, folder, id, file string) error
	// Log is the logger; nil means slog.Default().
	Log *slog.Logger
	// AllowOrigin is the value of Access-Control-Allow-Origin.
	AllowOrigin string
}

// contentTypes maps file suffixes to media types.
var contentTypes = map[string]string{suffixMP4: "video/mp4", suffixFLV: "video/x-flv", ".jsonl": "application/x-ndjson"}

const (
	recheckInterval = time.Second     // time between two checks of the right to play during a response
	recheckTimeout  = 5 * time.Second // maximum duration of the check that the client may still play
)

// ServeHTTP handles GET and HEAD requests, with ranges. It checks the right to play again every second. When the right is
// lost, it aborts the response, so that the client sees an incomplete transfer. It responds with an empty body and status
// 403 or 404 if the file may not be played or does not exist.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Access-Control-Allow-Origin", h.AllowOrigin)
	header.Set("Access-Control-Expose-Headers", "Accept-Ranges, Content-Length, Content-Range")
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		header.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
		header.Set("Access-Control-Allow-Headers", cmp.Or(r.Header.Get("Access-Control-Request-Headers"), "Range"))
		header.Add("Vary", "Access-Control-Request-Headers")
		header.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		header.Set("Allow", "GET, HEAD, OPTIONS")
		writeStatus(w, http.StatusMethodNotAllowed)
		return
	}
	parts := strings.Split(r.URL.Path, "/")
	if len(parts) != 3 || !rtmp.ValidName(parts[0]) || !rtmp.ValidName(parts[1]) {
		writeStatus(w, http.StatusNotFound)
		return
	}
	err := h.Authorize(r.Context(), parts[0], parts[1], r.URL.Query().Get("sign"))
	if err == nil {
		err = h.serveWhileAuthorized(w, r, parts[0], parts[1], parts[2])
	}
	switch {
	case err == nil:
	case errors.Is(err, ErrForbidden):
		writeStatus(w, http.StatusForbidden)
	case errors.Is(err, ErrNotFound):
		writeStatus(w, http.StatusNotFound)
	case r.Context().Err() == nil:
		cmp.Or(h.Log, slog.Default()).ErrorContext(r.Context(), "serving a recording failed", slog.String("path", r.URL.Path), slog.Any("error", err))
		header.Set("Retry-After", "5")
		writeStatus(w, http.StatusServiceUnavailable)
	}
}

// serveWhileAuthorized serves a file until the client loses the right to play the recording. It then aborts the response.
func (h *Handler) serveWhileAuthorized(w http.ResponseWriter, r *http.Request, folder, id, name string) error {
	ctx, cancel := context.WithCancelCause(r.Context())
	var watch sync.WaitGroup
	defer watch.Wait()
	defer cancel(nil)
	watch.Go(func() {
		if refusal := h.awaitRefusal(ctx, folder, id, r.URL.Query().Get("sign")); refusal != nil {
			cancel(refusal)
			_ = http.NewResponseController(w).SetWriteDeadline(time.Unix(1, 0)) // ends a write that waits for the client
		}
	})
	err := h.serveFile(w, r.WithContext(ctx), folder, id, name)
	refusal := context.Cause(ctx)
	switch {
	case !isRefusal(refusal):
		return err
	case err != nil: // nothing was written
		return refusal
	}
	panic(http.ErrAbortHandler)
}

// awaitRefusal blocks until Authorize refuses a client, and returns its error. It returns nil when ctx ends. Other errors
// and an expired sign refuse nobody: no right is lost while the database cannot be reached, and a sign has to be valid when
// a response begins.
func (h *Handler) awaitRefusal(ctx context.Context, folder, id, sign string) error {
	for wait.Sleep(ctx, recheckInterval) {
		check, cancel := context.WithTimeout(ctx, recheckTimeout)
		err := h.Authorize(check, folder, id, sign)
		cancel()
		if isRefusal(err) && !errors.Is(err, media.ErrSignExpired) {
			return err
		}
	}
	return nil
}

func isRefusal(err error) bool { return errors.Is(err, ErrForbidden) || errors.Is(err, ErrNotFound) }

// serveFile serves a file of this node, or of another node.
func (h *Handler) serveFile(w http.ResponseWriter, r *http.Request, folder, id, name string) error {
	switch here := h.Recorder != nil && h.Recorder.Has(folder, id); {
	case !here && h.Elsewhere != nil && validFile(name):
		return h.Elsewhere(w, r, folder, id, name)
	case !here:
		return ErrNotFound
	case name == PlaylistFile:
		return h.servePlaylist(w, r, folder, id)
	}
	return h.serve(w, r, folder, id, name)
}

// validFile reports whether a recording may have a file of this name.
func validFile(name string) bool {
	base, suffix, found := strings.Cut(name, ".")
	return found && rtmp.ValidName(base) && rtmp.ValidName(suffix)
}

func writeStatus(w http.ResponseWriter, status int) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, folder, id, name string) error {
	file, rec, err := h.Recorder.Open(folder, id, name)
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
			size = min(size, p.Bytes) // the writer may be appending after these
		}
	}
	header := w.Header()
	header.Set("Content-Type", contentTypes[name[strings.LastIndexByte(name, '.'):]])
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store") // the file grows
	if !rec.EndedAt.IsZero() {
		header.Set("Cache-Control", "private, max-age=3600")
		header.Set("ETag", fmt.Sprintf(`"%s-%s-%d"`, id, name, size))
	}
	http.ServeContent(w, r, name, info.ModTime(), &stoppableReader{io.NewSectionReader(file, 0, size), func() error { return context.Cause(r.Context()) }})
	return nil
}

// stoppableReader reads a file until stopped returns an error.
type stoppableReader struct {
	io.ReadSeeker
	stopped func() error
}

// Read returns the error of stopped, if there is one, and reads nothing then.
func (r *stoppableReader) Read(p []byte) (int, error) {
	if err := r.stopped(); err != nil {
		return 0, err
	}
	return r.ReadSeeker.Read(p)
}

// servePlaylist serves the HLS playlist of a recording. While the recording is running, the playlist grows. It returns
// ErrNotFound if there is no segment yet.
func (h *Handler) servePlaylist(w http.ResponseWriter, r *http.Request, folder, id string) error {
	index, _, err := h.Recorder.Open(folder, id, IndexFile)
	if err != nil {
		return err
	}
	defer index.Close()
	all, err := h.Recorder.playlists.read(nameOf(folder, id), index)
	if err != nil {
		return fmt.Errorf("record: read an index: %w", err)
	}
	if len(all.segments) == 0 {
		return ErrNotFound
	}
	w.Header().Set("Cache-Control", "no-store")
	hls.WritePlaylist(w, r, all.render(!h.Recorder.library.cfg.dropsParts(), "sign="+url.QueryEscape(r.URL.Query().Get("sign"))))
	return nil
}
