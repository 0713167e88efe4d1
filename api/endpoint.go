package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"roomlog/api/cors"
	"roomlog/api/query"
	"roomlog/internal/limit"
)

// endpoint describes one method and path of the REST API, with documentation, access rule and rate class.
type endpoint struct {
	huma.Operation
	access access
	rate   rateClass
	texts  texts

	anyQuery bool // whether unknown query parameters are ignored
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
		BodyReadTimeout: -1, // no deadline of huma, because readBody sets its own
	}}
	e.Description = strings.TrimSpace(a.description() + " " + r.description())
	if a.needsToken {
		e.Security = []map[string][]string{{"token": {}}, {"bearer": {}}}
	}
	return e
}

// withTexts returns e with different Chinese texts for some codes, which old clients expect from this endpoint.
func (e endpoint) withTexts(t texts) endpoint { e.texts = t; return e }

// forOldClients marks e as an endpoint of the wire contract, and returns it. Such an endpoint ignores unknown query
// parameters, because old clients append some to avoid caches, such as t and _.
func (e endpoint) forOldClients() endpoint {
	e.anyQuery = true
	e.Description += " Ignores unknown query parameters."
	return e
}

// checkQuery refuses query parameters that are not in known.
func (e endpoint) checkQuery(r *http.Request, known []*huma.Param) error {
	if e.anyQuery || r.URL.RawQuery == "" {
		return nil
	}
	return query.Check(r.URL.RawQuery, known)
}

// admit checks the rate and the access rule of e for a request. in is the decoded input, or nil.
func (e endpoint) admit(ctx context.Context, s *server, in any) error {
	if err := s.rates.admit(ctx, e.rate); err != nil {
		return err
	}
	return e.access.check(ctx, s, in)
}

// response is a successful response, as huma requires it.
type response[T any] struct {
	Body success[T]
}

// routes registers the endpoints of a server.
type routes struct {
	*server
	router    chi.Router
	huma      huma.API
	endpoints []endpoint
	unlimited map[string]string // route → why it needs no rate limit
	own       map[string]bool   // paths that pages of other origins may not call
}

// newRoutes returns an empty list of routes for s.
func newRoutes(s *server) *routes {
	router := chi.NewRouter()
	return &routes{server: s, router: router, huma: newHuma(router, s.Version), unlimited: make(map[string]string), own: make(map[string]bool)}
}

// add adds an endpoint to the list.
func (r *routes) add(e endpoint) {
	r.endpoints = append(r.endpoints, e)
	if e.access.sameOrigin {
		r.own[e.Path] = true
	}
}

// serve registers an endpoint. Its input and output are described by the Go types I and O.
func serve[I, O any](r *routes, e endpoint, handle func(context.Context, *I) (O, error)) {
	r.add(e)
	if e.Method == http.MethodPost && e.access.needsToken {
		e.Parameters = append(e.Parameters, &huma.Param{
			Name: "Idempotency-Key", In: "header", Schema: &huma.Schema{Type: huma.TypeString},
			Description: "1 to 64 printable ASCII characters. A request that repeats a key returns the first outcome.",
		})
	}
	e.Middlewares = append(e.Middlewares, func(ctx huma.Context, next func(huma.Context)) {
		req, w := humachi.Unwrap(ctx)
		if err := e.checkQuery(req, ctx.Operation().Parameters); err != nil {
			writeFailure(w, r.failure(req.Context(), err, e.texts))
			return
		}
		next(ctx)
	}, r.limitBody)
	e.MaxBodyBytes = r.BodyBytes + 1
	huma.Register(r.huma, e.Operation, func(ctx context.Context, in *I) (*response[O], error) {
		ctx, cancel := context.WithTimeout(ctx, r.RequestTimeout)
		defer cancel()
		if err := e.admit(ctx, r.server, in); err != nil {
			return nil, r.failure(ctx, err, e.texts)
		}
		out, err := handle(ctx, in)
		if err != nil {
			return nil, r.failure(ctx, err, e.texts)
		}
		return &response[O]{success[O]{"ok", out}}, nil
	})
}

// serveRaw registers an endpoint whose handler reads the request and writes the response directly. describe completes
// the documentation and may be nil. writeRefusal writes the response to a request that the access rule or the rate
// refuses.
func serveRaw[O any](r *routes, e endpoint, describe func(*huma.Operation, huma.Registry),
	writeRefusal func(http.ResponseWriter, *http.Request, *failure), handle http.HandlerFunc,
) {
	r.add(e)
	r.router.Method(e.Method, e.Path, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		ctx, cancel := context.WithTimeout(req.Context(), r.RequestTimeout)
		err := e.checkQuery(req, e.Parameters)
		if err == nil {
			err = e.admit(ctx, r.server, nil)
		}
		cancel()
		if err != nil {
			writeRefusal(w, req, r.failure(req.Context(), err, e.texts))
			return
		}
		handle(w, req)
	}))
	schemas := r.huma.OpenAPI().Components.Schemas
	e.Responses = map[string]*huma.Response{
		"200":     {Description: "OK", Content: jsonContent(schemas.Schema(typeOf[O](), true, ""))},
		"default": {Description: "Error", Content: jsonContent(schemas.Schema(typeOf[failure](), true, ""))},
	}
	if describe != nil {
		describe(&e.Operation, schemas)
	}
	r.huma.OpenAPI().AddOperation(&e.Operation)
}

// serveUnlimited registers a public route without a rate limit. reason explains why that is safe. The route ignores its
// query, because monitoring probes and pages append parameters to avoid caches.
func (r *routes) serveUnlimited(path, reason string, handle http.HandlerFunc) {
	r.unlimited[path] = reason
	r.router.Get(path, handle)
}

// serveByAddress registers a route for clients whose address is in networks. Other clients receive 404. Pages of other
// origins cannot call the route through the browser of such a client.
func (r *routes) serveByAddress(path, reason string, networks limit.Proxies, handle http.Handler) {
	r.own[path] = true
	r.serveUnlimited(path, reason, func(w http.ResponseWriter, req *http.Request) {
		if !networks.Contains(requestOf(req.Context()).addr) {
			r.routeNotFound(w, req)
			return
		}
		handle.ServeHTTP(w, req)
	})
}

// allowOrigins is the middleware that permits pages of other origins to call the API, except the paths in own.
func (r *routes) allowOrigins(next http.Handler) http.Handler {
	shared := cors.AllowOrigins(r.CORSOrigins)(next)
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if r.own[req.URL.Path] {
			next.ServeHTTP(w, req)
			return
		}
		shared.ServeHTTP(w, req)
	})
}

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

func jsonContent(schema *huma.Schema) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{"application/json": {Schema: schema}}
}

// check returns an error if an endpoint has no summary, access rule or rate class.
func (r *routes) check() error {
	var faults []error
	for _, e := range r.endpoints {
		if e.Summary == "" || e.access.name == "" || !e.rate.known() {
			faults = append(faults, errors.New("api: "+e.Method+" "+e.Path+" needs a summary, an access rule and a rate class"))
		}
	}
	return errors.Join(faults...)
}

// openAPI returns the OpenAPI document as JSON.
func (r *routes) openAPI() ([]byte, error) {
	b, err := json.Marshal(r.huma.OpenAPI())
	if err != nil {
		return nil, fmt.Errorf("api: encode the OpenAPI document: %w", err)
	}
	return b, nil
}

func (s *server) routeNotFound(w http.ResponseWriter, _ *http.Request) {
	writeFailure(w, newFailure(codeNoRoute, "there is no such endpoint", nil))
}

func (s *server) methodNotAllowed(w http.ResponseWriter, _ *http.Request) {
	writeFailure(w, newFailure(codeMethod, "this endpoint does not support the method", nil))
}
