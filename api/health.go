package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"
)

// Check is one thing that has to be in order for the process to be ready.
type Check struct {
	Name string // "database"
	// Ask answers a note that anybody may read, and an error while requests should go elsewhere.
	// The error itself is logged, not shown.
	Ask func(ctx context.Context) (note string, err error)
}

// checkTime bounds all checks of one answer, so that whoever asks hears back in time.
const checkTime = 3 * time.Second

func (s *server) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// readyz answers 503 while a check fails, and what each of them says.
func (s *server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), checkTime)
	defer cancel()
	answer := struct {
		Status string            `json:"status"`
		Checks map[string]string `json:"checks"`
	}{"ready", make(map[string]string, len(s.Checks))}
	status := http.StatusOK
	for _, check := range s.Checks {
		note, err := check.Ask(ctx)
		if note == "" {
			note = "ok"
		}
		if err != nil {
			if note == "ok" {
				note = "failing"
			}
			answer.Status, status = "not ready", http.StatusServiceUnavailable
			s.log.WarnContext(ctx, "not ready", slog.String("check", check.Name), slog.Any("err", err))
		}
		answer.Checks[check.Name] = note
	}
	writeJSON(w, status, answer)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // whoever has gone is not told
}

func writeFailure(w http.ResponseWriter, f *failure) {
	for name, values := range f.GetHeaders() {
		w.Header()[name] = values
	}
	writeJSON(w, f.status, f)
}
