package api

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"roomlog/domain"
)

// endpoint describes one method and path of the REST API: its documentation, access rule and rate class.
type endpoint struct {
	huma.Operation
	access access
	rate   rateClass
	texts  texts
}

func get(path, summary string, a access, r rateClass) endpoint {
	return newEndpoint(http.MethodGet, path, summary, a, r)
}

func post(path, summary string, a access, r rateClass) endpoint {
	return newEndpoint(http.MethodPost, path, summary, a, r)
}

func newEndpoint(method, path, summary string, a access, r rateClass) endpoint {
	id := strings.NewReplacer("/api/", "", "/", "-", ":", "", "{", "", "}", "").Replace(path)
	e := endpoint{access: a, rate: r, Operation: huma.Operation{
		OperationID: id, Method: method, Path: path, Summary: summary,
		BodyReadTimeout: -1, // readBody sets its own deadline
	}}
	e.Description = strings.TrimSpace(a.description() + " " + r.description())
	if a.needsToken {
		e.Security = []map[string][]string{{"token": {}}, {"bearer": {}}}
	}
	return e
}

// withTexts returns e with other Chinese texts for some codes. Old clients expect these texts from this endpoint.
func (e endpoint) withTexts(t texts) endpoint { e.texts = t; return e }

// admit checks the rate and the access rule of e for a request. in is the decoded input, or nil.
func (e endpoint) admit(ctx context.Context, s *server, in any) error {
	if err := s.rates.admit(ctx, e.rate); err != nil {
		return err
	}
	return e.access.check(ctx, s, in)
}

// response is a successful response in the form that huma requires.
type response[T any] struct {
	Body success[T]
}

// serve registers an endpoint. The Go types I and O describe its input and output.
func serve[I, O any](s *server, e endpoint, handle func(context.Context, *I) (O, error)) {
	s.endpoints = append(s.endpoints, e)
	if e.Method == http.MethodPost && e.access.needsToken {
		e.Parameters = append(e.Parameters, &huma.Param{
			Name: "Idempotency-Key", In: "header", Schema: &huma.Schema{Type: huma.TypeString},
			Description: "1 to 64 printable ASCII characters. A request that repeats a key returns the first outcome.",
		})
	}
	e.Middlewares = append(e.Middlewares, s.limitBody)
	e.MaxBodyBytes = s.BodyBytes + 1
	huma.Register(s.huma, e.Operation, func(ctx context.Context, in *I) (*response[O], error) {
		ctx, cancel := context.WithTimeout(ctx, s.RequestTimeout)
		defer cancel()
		if err := e.admit(ctx, s, in); err != nil {
			return nil, s.failure(ctx, err, e.texts)
		}
		out, err := handle(ctx, in)
		if err != nil {
			return nil, s.failure(ctx, err, e.texts)
		}
		return &response[O]{success[O]{"ok", out}}, nil
	})
}

// serveRaw registers an endpoint whose handler reads the request and writes the response directly. describe completes
// the documentation and may be nil. writeRefusal writes the response to a request that the access rule or the rate
// refuses.
func serveRaw[O any](s *server, e endpoint, describe func(*huma.Operation, huma.Registry),
	writeRefusal func(http.ResponseWriter, *http.Request, *failure), handle http.HandlerFunc,
) {
	s.endpoints = append(s.endpoints, e)
	s.router.Method(e.Method, e.Path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), s.RequestTimeout)
		err := e.admit(ctx, s, nil)
		cancel()
		if err != nil {
			writeRefusal(w, r, s.failure(r.Context(), err, e.texts))
			return
		}
		handle(w, r)
	}))
	schemas := s.huma.OpenAPI().Components.Schemas
	e.Responses = map[string]*huma.Response{
		"200":     {Description: "OK", Content: jsonContent(schemas.Schema(typeOf[O](), true, ""))},
		"default": {Description: "Error", Content: jsonContent(schemas.Schema(typeOf[failure](), true, ""))},
	}
	if describe != nil {
		describe(&e.Operation, schemas)
	}
	s.huma.OpenAPI().AddOperation(&e.Operation)
}

// serveUnlimited registers a public route without a rate limit. reason explains why that is safe.
func (s *server) serveUnlimited(path, reason string, handle http.HandlerFunc) {
	s.unlimited[path] = reason
	s.router.Get(path, handle)
}

// plainRefusal writes a refusal in the failure envelope.
func plainRefusal(w http.ResponseWriter, _ *http.Request, f *failure) { writeFailure(w, f) }

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

func jsonContent(schema *huma.Schema) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{"application/json": {Schema: schema}}
}

// checkEndpoints returns an error for an endpoint without a summary, an access rule or a rate class.
func checkEndpoints(endpoints []endpoint) error {
	var faults []error
	for _, e := range endpoints {
		if e.Summary == "" || e.access.name == "" || !e.rate.known() {
			faults = append(faults, errors.New("api: "+e.Method+" "+e.Path+" needs a summary, an access rule and a rate class"))
		}
	}
	return errors.Join(faults...)
}

// liveInput is implemented by inputs of endpoints about one live.
type liveInput interface{ liveID() domain.LiveID }
