package api

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"roomlog/domain"
)

// limitBody reads the body of a request before huma does, up to a size and within a time. Clients declare JSON under
// many content types, so every body is read as JSON.
func (s *server) limitBody(ctx huma.Context, next func(huma.Context)) {
	r, w := humachi.Unwrap(ctx)
	if r.Method == http.MethodPost {
		body, err := s.readBody(w, r, s.BodyBytes, s.BodyTimeout)
		if err != nil {
			writeFailure(w, s.failure(r.Context(), err, nil))
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
	}
	next(ctx)
}

// readBody reads a body of at most limit bytes. The client has timeout to send it.
func (s *server) readBody(w http.ResponseWriter, r *http.Request, limit int64, timeout time.Duration) ([]byte, error) {
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(s.Now().Add(timeout)); err == nil {
		defer control.SetReadDeadline(time.Time{}) //nolint:errcheck // a broken connection needs no deadline
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	return body, bodyError(w, err)
}

// bodyError returns the refusal for a body that could not be read, and closes the connection because the rest of the
// body may still arrive.
func bodyError(w http.ResponseWriter, err error) error {
	if err == nil {
		return nil
	}
	w.Header().Set("Connection", "close")
	var large *http.MaxBytesError
	var slow net.Error
	switch {
	case errors.As(err, &large):
		return refusal(codeBodyTooLarge, "the body must have at most %d bytes", large.Limit)
	case errors.As(err, &slow) && slow.Timeout():
		return refusal(codeBodyTooSlow, "the body did not arrive in time")
	}
	return refusal(domain.CodeBadRequest, "the body ended early")
}

// newHuma returns the huma API, which decodes requests by Go types and writes OpenAPI from them.
func newHuma(router chi.Router, version string) huma.API {
	useOwnErrors()
	c := huma.DefaultConfig("roomlog", version)
	c.CreateHooks = nil // they add $schema with an invented address to responses
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.AllowAdditionalPropertiesByDefault = true // old clients send more members than needed
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":  {Type: "apiKey", In: "header", Name: "token"},
		"bearer": {Type: "http", Scheme: "bearer", BearerFormat: "JWT"},
	}
	return humachi.New(router, c)
}

// useOwnErrors makes huma report invalid requests in the failure envelope. huma has one such hook per process.
var useOwnErrors = sync.OnceFunc(func() {
	huma.NewError = func(status int, text string, causes ...error) huma.StatusError {
		code := domain.CodeBadRequest
		if status >= http.StatusInternalServerError {
			code = domain.CodeInternal
		}
		for _, cause := range causes {
			var detail *huma.ErrorDetail
			if errors.As(cause, &detail) { // never its value, which may be a password
				text = strings.TrimSpace(detail.Location + " " + detail.Message)
				break
			}
		}
		return newFailure(code, text, nil)
	}
})
