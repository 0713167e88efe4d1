package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"
)

// Check is one condition for readiness.
type Check struct {
	Name string // "database"
	// Run returns a note for clients and, if this process should not receive requests, an error. The error is logged,
	// not sent to clients.
	Run func(ctx context.Context) (note string, err error)
}

// checksTimeout is the maximum time for all checks of one request.
const checksTimeout = 3 * time.Second

func (s *server) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// readyz runs all checks and writes their results. The status is 503 if a check fails, 200 otherwise.
func (s *server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), checksTimeout)
	defer cancel()
	response := struct {
		Status string            `json:"status"`
		Checks map[string]string `json:"checks"`
	}{"ready", make(map[string]string, len(s.Checks))}
	status := http.StatusOK
	for _, check := range s.Checks {
		note, err := check.Run(ctx)
		if note == "" {
			note = "ok"
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

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // fails only if the client has disconnected
}

func writeFailure(w http.ResponseWriter, f *failure) {
	for name, values := range f.GetHeaders() {
		w.Header()[name] = values
	}
	writeJSON(w, f.status, f)
}
