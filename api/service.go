package api

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// checksTimeout is the maximum time for all checks of one request.
const checksTimeout = 3 * time.Second

func (s *server) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// readyz runs all checks and writes their results. The status is 503 if a check fails, and otherwise 200, even if a
// check reports that the process is degraded.
func (s *server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), checksTimeout)
	defer cancel()
	response := struct {
		Status string            `json:"status"`
		Causes []string          `json:"causes,omitempty"` // reasons for which the status is degraded
		Checks map[string]string `json:"checks"`
	}{"ready", nil, make(map[string]string, len(s.Checks))}
	status := http.StatusOK
	for _, check := range s.Checks {
		note, err := check.Run(ctx)
		if note == "" {
			note = "ok"
		}
		if degraded := Degraded(""); errors.As(err, &degraded) {
			response.Causes = append(response.Causes, string(degraded))
			if status == http.StatusOK {
				response.Status = "degraded"
			}
			err = nil
		}
		if err != nil {
			if note == "ok" {
				note = "failing"
			}
			response.Status, status = "not ready", http.StatusServiceUnavailable
			s.log.WarnContext(ctx, "readiness check failed", slog.String("check", check.Name), slog.Any("error", err))
		}
		response.Checks[check.Name] = note
	}
	writeJSON(w, status, response)
}

// metrics returns the handler of /metrics.
func (s *server) metrics() http.Handler {
	return promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// pageFiles contains the documentation page at /docs. The page loads nothing from other servers, so it works offline.
//
//go:embed page
var pageFiles embed.FS

func (s *server) openapi(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(s.spec) // fails only if the client has disconnected
}

func (s *server) docs(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "file")
	if name == "" {
		name = "index.html"
	}
	content, err := fs.ReadFile(pageFiles, "page/"+path.Base(name))
	if err != nil {
		s.routeNotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'")
	_, _ = w.Write(content) // fails only if the client has disconnected
}
