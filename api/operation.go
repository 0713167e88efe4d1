package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"roomlog/domain"
)

// operation is one endpoint of the surface.
type operation struct {
	huma.Operation
	texts says
}

func get(path, summary string) operation { return endpoint(http.MethodGet, path, summary) }

func post(path, summary string) operation { return endpoint(http.MethodPost, path, summary) }

func endpoint(method, path, summary string) operation {
	id := strings.NewReplacer("/api/", "", "/", "-", ":", "", "{", "", "}", "").Replace(path)
	return operation{Operation: huma.Operation{
		OperationID: id, Method: method, Path: path, Summary: summary,
		BodyReadTimeout: -1, // the door reads bodies itself, see bounded
	}}
}

// needs writes into the documentation what sort of token o needs.
func (o operation) needs(what string) operation {
	o.Security = []map[string][]string{{"token": {}}, {"bearer": {}}}
	o.Description = "Needs " + what + "."
	return o
}

// saying replaces texts that old clients know otherwise.
func (o operation) saying(texts says) operation { o.texts = texts; return o }

// answer is a success as huma writes it.
type answer[T any] struct {
	Body success[T]
}

// public serves an endpoint that needs no token.
func public[I, O any](s *server, o operation, handle func(context.Context, *I) (O, error)) {
	o.Middlewares = append(o.Middlewares, s.bounded)
	o.MaxBodyBytes = s.BodyBytes + 1
	huma.Register(s.huma, o.Operation, func(ctx context.Context, in *I) (*answer[O], error) {
		ctx, cancel := context.WithTimeout(ctx, s.RequestTimeout)
		defer cancel()
		out, err := handle(ctx, in)
		if err != nil {
			return nil, s.failed(ctx, err, o.texts)
		}
		return &answer[O]{success[O]{"ok", out}}, nil
	})
}

// personal serves an endpoint that needs a good token. Whether its session still holds is for
// handle to find out: the log does it with every command, s.member does it for the rest.
func personal[I, O any](s *server, o operation, handle func(context.Context, caller, *I) (O, error)) {
	if o.Security == nil {
		o = o.needs("a token")
	}
	if o.Method == http.MethodPost {
		o.Parameters = append(o.Parameters, &huma.Param{
			Name: "Idempotency-Key", In: "header", Schema: &huma.Schema{Type: huma.TypeString},
			Description: "1 to 64 printable characters: asking again with the same key answers with the first outcome",
		})
	}
	public(s, o, func(ctx context.Context, in *I) (O, error) {
		c, err := person(ctx)
		if err != nil {
			var none O
			return none, err
		}
		return handle(ctx, c, in)
	})
}

// documented puts an endpoint that is served by other means into the documentation.
func documented[O any](s *server, o operation, describe func(*huma.Operation, huma.Registry)) {
	schemas := s.huma.OpenAPI().Components.Schemas
	o.Responses = map[string]*huma.Response{
		"200":     {Description: "OK", Content: content(schemas.Schema(typeOf[O](), true, ""))},
		"default": {Description: "Error", Content: content(schemas.Schema(typeOf[failure](), true, ""))},
	}
	if describe != nil {
		describe(&o.Operation, schemas)
	}
	s.huma.OpenAPI().AddOperation(&o.Operation)
}

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

func content(schema *huma.Schema) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{"application/json": {Schema: schema}}
}

// bounded reads the body before anything else does, up to a size and within a time. Clients
// call JSON by many names: whatever they say, it is read as JSON.
func (s *server) bounded(ctx huma.Context, next func(huma.Context)) {
	r, w := humachi.Unwrap(ctx)
	if r.Method == http.MethodPost {
		body, err := s.readBody(w, r, s.BodyBytes, s.BodyTimeout)
		if err != nil {
			writeFailure(w, s.failed(r.Context(), err, nil))
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
	}
	next(ctx)
}

func (s *server) readBody(w http.ResponseWriter, r *http.Request, most int64, wait time.Duration) ([]byte, error) {
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(s.Now().Add(wait)); err == nil {
		defer control.SetReadDeadline(time.Time{}) //nolint:errcheck // a connection that has broken needs no deadline
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	return body, unread(w, err)
}

// unread answers why a body could not be read, and closes the connection: the rest of it is
// still on the way.
func unread(w http.ResponseWriter, err error) error {
	if err == nil {
		return nil
	}
	w.Header().Set("Connection", "close")
	var large *http.MaxBytesError
	var slow net.Error
	switch {
	case errors.As(err, &large):
		return refusal(codeBodyTooLarge, "the body has %d bytes at most", large.Limit)
	case errors.As(err, &slow) && slow.Timeout():
		return refusal(codeBodyTooSlow, "the body did not arrive in time")
	}
	return refusal(domain.CodeBadRequest, "the body ended early")
}

// newHuma makes what turns Go types into parsed requests and a description of them.
func newHuma(router chi.Router, version string) huma.API {
	ourErrors()
	c := huma.DefaultConfig("roomlog", version)
	c.CreateHooks = nil // they put $schema with an invented address into answers
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.AllowAdditionalPropertiesByDefault = true // old clients send more than they need to
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":  {Type: "apiKey", In: "header", Name: "token"},
		"bearer": {Type: "http", Scheme: "bearer", BearerFormat: "JWT"},
	}
	return humachi.New(router, c)
}

// ourErrors puts what huma itself finds wrong with a request into our envelope. huma has one
// place for this in a process.
var ourErrors = sync.OnceFunc(func() {
	huma.NewError = func(status int, text string, causes ...error) huma.StatusError {
		code := domain.CodeBadRequest
		if status >= http.StatusInternalServerError {
			code = domain.CodeInternal
		}
		for _, cause := range causes {
			var detail *huma.ErrorDetail
			if errors.As(cause, &detail) { // never its value: that may be a password
				text = strings.TrimSpace(detail.Location + " " + detail.Message)
				break
			}
		}
		return fail(code, text, nil)
	}
})
