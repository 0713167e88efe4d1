package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"roomlog/api/openapi"
	"roomlog/api/schemas"
	"roomlog/internal/loglimit"
)

// checksTimeout is the maximum time for all checks of one request.
const checksTimeout = 3 * time.Second

// health is the response of /healthz.
type health struct {
	Status string `json:"status" enum:"ok"`
}

// readiness is the response of /readyz.
type readiness struct {
	Status string            `json:"status" enum:"ready,degraded,not ready"`
	Causes []string          `json:"causes,omitempty" doc:"why the status is degraded"`
	Checks map[string]string `json:"checks" doc:"the result of each check: ok, or what is wrong"`
}

const notReady = "not ready"

func (s *server) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, health{"ok"})
}

// readyz runs all checks and writes their results. The status is 503 if a check fails, and otherwise 200, even if a
// check reports that the process is degraded.
func (s *server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), checksTimeout)
	defer cancel()
	response := readiness{Status: "ready", Checks: make(map[string]string, len(s.Checks))}
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
			response.Status, status = notReady, http.StatusServiceUnavailable
		}
		s.logCheck(ctx, check.Name, err)
		response.Checks[check.Name] = note
	}
	writeJSON(w, status, response)
}

// logCheck logs that a check has begun to fail, that it fails for another reason, or that it succeeds again. It does not
// log each failure, because load balancers run the checks every second.
func (s *server) logCheck(ctx context.Context, name string, err error) {
	if errors.Is(ctx.Err(), context.Canceled) { // the client has disconnected, which may be why the check has failed
		return
	}
	cause, _ := s.failedChecks.LoadOrStore(name, &loglimit.Cause{})
	switch {
	case !cause.(*loglimit.Cause).Changed(err):
	case err != nil:
		s.log.WarnContext(ctx, "readiness check failed", slog.String("check", name), slog.Any("error", err))
	default:
		s.log.InfoContext(ctx, "readiness check succeeded again", slog.String("check", name))
	}
}

// metrics returns the handler of /metrics.
func (s *server) metrics() http.Handler {
	return promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// documentSchemas adds the JSON Schemas of events to the OpenAPI document.
func (r *routes) documentSchemas() {
	list := r.huma.OpenAPI().Components.Schemas.Schema(typeOf[[]schemas.Entry](), true, "")
	r.document(schemas.Path, "List the JSON Schemas of all event types", map[string]*huma.Response{
		"200": {Description: "The types and the addresses of their schemas.", Content: openapi.JSON(list, nil)},
	})
	const path = schemas.Path + "{file}"
	r.document(path, "Read the JSON Schema of an event type", map[string]*huma.Response{
		"200": {Description: "The schema.", Content: map[string]*huma.MediaType{"application/schema+json": {Schema: &huma.Schema{Type: huma.TypeObject}}}},
		"404": {Description: "There is no such schema.", Content: r.failureContent(codeNoRoute)},
	})
	r.huma.OpenAPI().Paths[path].Get.Parameters = []*huma.Param{{
		Name: "file", In: "path", Required: true, Description: "type of the event with .json behind it", Example: "gift.sent.v2.json", Schema: &huma.Schema{Type: huma.TypeString},
	}}
}

// documentService adds the routes for monitoring to the OpenAPI document.
func documentService(r *routes) {
	registry := r.huma.OpenAPI().Components.Schemas
	ready := openapi.JSON(registry.Schema(typeOf[readiness](), true, ""), nil)
	unavailable := openapi.JSON(registry.Schema(typeOf[readiness](), true, ""), map[string]any{
		"not_ready": readiness{Status: notReady, Checks: map[string]string{"database": "failing"}},
	})
	r.document("/healthz", "Report that the process runs", map[string]*huma.Response{
		"200": {Description: "The process runs.", Content: openapi.JSON(registry.Schema(typeOf[health](), true, ""), nil)},
	})
	r.document("/readyz", "Report whether the process should receive requests", map[string]*huma.Response{
		"200": {Description: "The process serves.", Content: ready},
		"503": {Description: "The process cannot serve now.", Content: unavailable},
	})
	r.document("/metrics", "Read the metrics; only for some addresses", map[string]*huma.Response{
		"200": {Description: "Metrics in the text format of Prometheus.", Content: map[string]*huma.MediaType{"text/plain": {
			Schema: &huma.Schema{Type: huma.TypeString}, Example: "roomlog_http_requests_in_flight 1\n",
		}}},
		"404": {Description: "The address of the client may not read the metrics.", Content: r.failureContent(codeNoRoute)},
	})
}
