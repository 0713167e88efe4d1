package api

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"roomlog/api/cors"
	"roomlog/api/openapi"
	"roomlog/api/query"
	"roomlog/domain"
	"roomlog/internal/httpserver"
	"roomlog/internal/limit"
)

// endpoint describes one method and path of the REST API, with documentation, access rule and rate class.
type endpoint struct {
	huma.Operation
	access   access
	rate     rateClass
	texts    texts
	commands []domain.Command // commands that the handler executes
	codes    []domain.Code    // codes of refusals by the handler, in addition to those of the rules and of the commands

	lenient   bool // whether unknown query parameters and unknown members of the body are ignored
	always200 bool // whether failures have status 200, too, in the envelope of the endpoint
	repeats   bool // whether every request is executed, also one that repeats an idempotency key
}

func get(path, summary string, a access, r rateClass) endpoint {
	return newEndpoint(http.MethodGet, path, summary, a, r)
}

func post(path, summary string, a access, r rateClass) endpoint {
	return newEndpoint(http.MethodPost, path, summary, a, r)
}

func put(path, summary string, a access, r rateClass) endpoint {
	return newEndpoint(http.MethodPut, path, summary, a, r)
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

// executesRepetitions returns e marked as an endpoint that executes every request, also one that repeats an
// idempotency key. This is needed if the response contains a secret that is stored nowhere and so cannot be returned
// again, if the request contains a secret and so cannot be compared with a repetition, or if the endpoint executes
// several commands.
func (e endpoint) executesRepetitions() endpoint {
	e.repeats = true
	e.Description += " Ignores the header Idempotency-Key: a repeated request is executed again."
	return e
}

// takesIdempotencyKey reports whether a request that repeats an idempotency key returns the first outcome.
func (e endpoint) takesIdempotencyKey() bool { return e.hasBody() && e.access.needsToken && !e.repeats }

// route returns the pattern of e for the router. A last parameter named path may contain slashes.
func (e endpoint) route() string {
	if prefix, found := strings.CutSuffix(e.Path, "/{path}"); found {
		return prefix + "/*"
	}
	return e.Path
}

// hasBody reports whether requests of e have a body.
func (e endpoint) hasBody() bool { return e.Method == http.MethodPost || e.Method == http.MethodPut }

// executes returns e with the commands that its handler executes, for the documentation of their refusals.
func (e endpoint) executes(commands ...domain.Command) endpoint {
	e.commands = commands
	types := make([]string, len(commands))
	for i, c := range commands {
		types[i] = c.Type()
	}
	e.Extensions = map[string]any{"x-commands": types}
	return e
}

// refuses returns e with the codes of the refusals by its handler.
func (e endpoint) refuses(codes ...domain.Code) endpoint { e.codes = codes; return e }

// forOldClients returns e marked as an endpoint of the wire contract: it ignores unknown query parameters, because old
// clients append some, such as t and _ against caches, and unknown members of the body.
func (e endpoint) forOldClients() endpoint {
	e.lenient = true
	e.Description += " Ignores unknown query parameters."
	if e.hasBody() {
		e.Description += " Ignores unknown members of the body."
	}
	return e
}

// checkQuery refuses query parameters that are not in known.
func (e endpoint) checkQuery(r *http.Request, known []*huma.Param) error {
	if e.lenient || r.URL.RawQuery == "" {
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
	unlimited map[string]string // route → reason why it needs no rate limit
	own       map[string]bool   // paths that no page of another origin may call
	tag       string            // tag of the endpoints that are being registered
}

// newRoutes returns an empty list of routes for s.
func newRoutes(s *server) *routes {
	router := chi.NewRouter()
	return &routes{server: s, router: router, huma: newHuma(router, s.Version, s.PublicURL), unlimited: make(map[string]string), own: make(map[string]bool)}
}

// section registers endpoints under a tag of the documentation.
func (r *routes) section(tag, description string, register func()) {
	r.tag = tag
	r.huma.OpenAPI().Tags = append(r.huma.OpenAPI().Tags, &huma.Tag{Name: tag, Description: description})
	register()
}

// add adds an endpoint to the list. It returns the endpoint with its tag.
func (r *routes) add(e endpoint) endpoint {
	e.Tags = []string{r.tag}
	r.endpoints = append(r.endpoints, e)
	if e.access.sameOrigin {
		r.own[e.Path] = true
	}
	return e
}

// serve registers an endpoint. Its input and output are described by the Go types I and O.
func serve[I, O any](r *routes, e endpoint, handle func(context.Context, *I) (O, error)) {
	e = r.add(e)
	if e.takesIdempotencyKey() {
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
	defer r.documentOutcomes(e, okText[O]())
	if members := membersOf(typeOf[I]()); members != nil && !e.lenient {
		e.Metadata = map[string]any{membersKey: members}
		defer r.refuseOtherMembers(e)
	}
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
	e = r.add(e)
	r.router.Method(e.Method, e.route(), http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
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
	e.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: openapi.JSON(schemas.Schema(typeOf[O](), true, ""), nil)}}
	if describe != nil {
		describe(&e.Operation, schemas)
	}
	r.huma.OpenAPI().AddOperation(&e.Operation)
	r.documentOutcomes(e, nil)
}

// refuseOtherMembers lets huma refuse members of the body of e that the schema does not have.
func (r *routes) refuseOtherMembers(e endpoint) {
	schema := r.operation(e).RequestBody.Content["application/json"].Schema
	if schema.Ref != "" {
		schema = r.huma.OpenAPI().Components.Schemas.SchemaFromRef(schema.Ref)
	}
	schema.AdditionalProperties = false
}

// okText returns the example of a response that consists of the text ok, or nil for other types of data.
func okText[O any]() any {
	if typeOf[O]().Kind() == reflect.String {
		return success[string]{"ok", "ok"}
	}
	return nil
}

// operation returns the operation of an endpoint in the OpenAPI document.
func (r *routes) operation(e endpoint) *huma.Operation {
	switch e.Method {
	case http.MethodPost:
		return r.huma.OpenAPI().Paths[e.Path].Post
	case http.MethodPut:
		return r.huma.OpenAPI().Paths[e.Path].Put
	}
	return r.huma.OpenAPI().Paths[e.Path].Get
}

// documentOutcomes adds the failures of an endpoint to the OpenAPI document, and an example of its success unless it is
// nil.
func (r *routes) documentOutcomes(e endpoint, success any) {
	o := r.operation(e)
	if success != nil {
		o.Responses["200"].Content["application/json"].Example = success
	}
	describeForm(o.RequestBody)
	codes := r.codesOf(e, len(o.Parameters) > 0)
	if e.always200 {
		codes = []domain.Code{domain.CodeInternal} // after a panic
	}
	var failures []openapi.Failure
	for _, code := range codes {
		f := exampleFailure(code, e.texts)
		retry := f.status == http.StatusTooManyRequests || f.status == http.StatusServiceUnavailable
		failures = append(failures, openapi.Failure{Code: code, Status: f.status, Body: f, Retry: retry})
	}
	openapi.AddFailures(o, r.huma.OpenAPI().Components.Schemas.Schema(typeOf[failure](), true, ""), failures)
}

// describeForm adds a form with the members of a JSON body, because endpoints accept both.
func describeForm(body *huma.RequestBody) {
	if body == nil || body.Content["application/json"] == nil {
		return
	}
	body.Content[formType] = &huma.MediaType{Schema: body.Content["application/json"].Schema}
}

// exampleFailure returns the failure with a code for the documentation.
func exampleFailure(code domain.Code, own texts) *failure {
	return newFailure(code, strings.ReplaceAll(string(code), "_", " "), own)
}

// codesOf returns the codes of the failures of an endpoint.
func (r *routes) codesOf(e endpoint, parameters bool) []domain.Code {
	codes := slices.Concat(e.access.codes(), e.codes, []domain.Code{domain.CodeRateLimited, domain.CodeBusy, domain.CodeInternal})
	if e.hasBody() {
		codes = append(codes, domain.CodeBadRequest, codeBodyTooLarge, codeBodyTooSlow)
	}
	if parameters || !e.lenient {
		codes = append(codes, domain.CodeBadRequest)
	}
	for _, c := range e.commands {
		codes = append(codes, r.Refusals(c)...)
		if e.takesIdempotencyKey() {
			codes = append(codes, domain.CodeBadKey, domain.CodeKeyReused)
		}
	}
	return codes
}

// failureContent returns the content of a response with one of codes.
func (r *routes) failureContent(codes ...domain.Code) map[string]*huma.MediaType {
	examples := make(map[string]any)
	for _, code := range codes {
		examples[string(code)] = exampleFailure(code, nil)
	}
	return openapi.JSON(r.huma.OpenAPI().Components.Schemas.Schema(typeOf[failure](), true, ""), examples)
}

// document adds a route that serves neither data of the domain nor JSON envelopes to the OpenAPI document.
func (r *routes) document(path, summary string, responses map[string]*huma.Response) {
	id := strings.NewReplacer("/", "", "{", "-", "}", "").Replace(path)
	responses["500"] = &huma.Response{Description: "The server has failed.", Content: r.failureContent(domain.CodeInternal)}
	r.huma.OpenAPI().AddOperation(&huma.Operation{
		OperationID: id, Method: http.MethodGet, Path: path, Summary: summary, Tags: []string{r.tag}, Responses: responses,
		Description: "Needs no token. Ignores unknown query parameters.",
	})
}

// serveUnlimited registers a public route without a rate limit. reason explains why that is safe. The route ignores its
// query, because monitoring probes and pages append parameters to avoid caches.
func (r *routes) serveUnlimited(path, reason string, handle http.HandlerFunc) {
	r.unlimited[path] = reason
	r.router.Get(path, handle)
}

// serveByAddress registers a route for clients whose address is in networks. Other clients receive 404. Pages of other
// origins cannot call the route through the browser of such a client, also if their name resolves to this server.
func (r *routes) serveByAddress(path, reason string, networks limit.Proxies, handle http.Handler) {
	r.own[path] = true
	r.serveUnlimited(path, reason, func(w http.ResponseWriter, req *http.Request) {
		if !networks.Contains(requestOf(req.Context()).addr) || httpserver.Rebound(req, r.PublicURL) {
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

// check returns an error for an endpoint without a summary, an access rule or a rate class.
func (r *routes) check() error {
	var faults []error
	for _, e := range r.endpoints {
		if e.Summary == "" || len(e.Tags) == 0 || e.Tags[0] == "" || e.access.name == "" || !e.rate.known() {
			faults = append(faults, errors.New("api: "+e.Method+" "+e.Path+" needs a summary, a tag, an access rule and a rate class"))
		}
	}
	return errors.Join(faults...)
}

func (s *server) routeNotFound(w http.ResponseWriter, _ *http.Request) {
	writeFailure(w, newFailure(codeNoRoute, "there is no such endpoint", nil))
}

func (s *server) methodNotAllowed(w http.ResponseWriter, _ *http.Request) {
	writeFailure(w, newFailure(codeMethod, "this endpoint does not support the method", nil))
}
