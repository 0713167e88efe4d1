package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/danielgtaylor/huma/v2/validation"
	"github.com/go-chi/chi/v5"

	"roomlog/api/query"
	"roomlog/domain"
	"roomlog/internal/strictjson"
)

// limitBody is the middleware that reads the body of a request before huma does. It limits the size of the body and
// the time for reading it. It treats every body that is not a form as JSON, because clients send JSON with many content
// types.
func (s *server) limitBody(ctx huma.Context, next func(huma.Context)) {
	r, w := humachi.Unwrap(ctx)
	if r.Method == http.MethodPost || r.Method == http.MethodPut {
		body, err := s.readObject(w, r)
		if err != nil {
			writeFailure(w, s.failure(r.Context(), err, nil))
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
	}
	next(ctx)
}

// readBody reads a body of at most limit bytes. It fails if the client takes longer than timeout to send the body.
func (s *server) readBody(w http.ResponseWriter, r *http.Request, limit int64, timeout time.Duration) ([]byte, error) {
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(s.Now().Add(timeout)); err == nil {
		defer control.SetReadDeadline(time.Time{}) //nolint:errcheck // a broken connection needs no deadline
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	return body, bodyError(w, err)
}

const formType = "application/x-www-form-urlencoded"

// readObject reads the JSON object in the body of a request. A body of the type application/x-www-form-urlencoded that is
// not JSON becomes an object whose members are strings.
func (s *server) readObject(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := s.readBody(w, r, s.BodyBytes, s.BodyTimeout)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != formType || bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return body, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, badRequest("the body must be a form or a JSON object")
	}
	object := make(map[string]string, len(form))
	for name, values := range form {
		if len(values) > 1 {
			return nil, badRequest("the field " + strconv.Quote(name) + " occurs twice: send it once")
		}
		object[name] = values[0]
	}
	return json.Marshal(object)
}

// decodeBody decodes a JSON body into v. If the body is not valid JSON, it returns a refusal with the text otherwise.
func decodeBody(body []byte, v any, otherwise string) error {
	err := strictjson.Unmarshal(body, v)
	switch member := strictjson.AsMemberError(err); {
	case member != nil:
		return badRequest(member.Error())
	case err != nil:
		return badRequest(otherwise)
	}
	return nil
}

// bodyError returns the refusal for a body that could not be read. It also makes the server close the connection,
// because the rest of the body may still arrive.
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

// apiDescription is the introduction of the OpenAPI document.
const apiDescription = "A success is `{\"msg\":\"ok\",\"data\":…}`. A failure is `{\"msg\":\"fail\",\"data\":\"…\",\"code\":\"…\",\"text_en\":\"…\"}`: " +
	"`code` is for programs and never changes its meaning, `data` is a Chinese text, `text_en` an English text. " +
	"The endpoints of the chat pages and of the browser app have envelopes of their own and always respond with status 200.\n\n" +
	"A token from `POST /api/login` goes into the header `token` or `Authorization`. New members may be added to every object: ignore those that you do not know.\n\n" +
	"The WebSocket protocol has [a page of its own](#websocket), made from [/asyncapi.json](/asyncapi.json)."

// newHuma returns the huma API, which decodes requests into Go types and generates the OpenAPI document from these
// types.
func newHuma(router chi.Router, version, publicURL string) huma.API {
	useOwnErrors()
	c := huma.DefaultConfig("roomlog", version)
	c.CreateHooks = nil // huma's default hooks would add $schema with an invented address to responses
	c.Formats = map[string]huma.Format{"application/json": {Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: unmarshal}}
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.AllowAdditionalPropertiesByDefault = true // old clients send additional members
	c.Info.Description = apiDescription
	c.Info.License = &huma.License{Name: "MIT", Identifier: "MIT"}
	c.Servers = []*huma.Server{{URL: cmp.Or(publicURL, "/"), Description: "This server"}}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":  {Type: "apiKey", In: "header", Name: "token", Description: "the token that POST /api/login returns, with or without Bearer"},
		"bearer": {Type: "http", Scheme: "bearer", BearerFormat: "JWT"},
	}
	return humachi.New(router, c)
}

// useOwnErrors makes huma report invalid requests in the failure envelope, and describe lists as never null. It runs
// once, because huma has these settings once per process.
var useOwnErrors = sync.OnceFunc(func() {
	huma.DefaultArrayNullable = false // no response has null for a list
	huma.NewError = func(status int, text string, causes ...error) huma.StatusError {
		return invalidRequest(&huma.Operation{}, status, text, causes)
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, text string, causes ...error) huma.StatusError {
		operation := &huma.Operation{}
		if ctx != nil && ctx.Operation() != nil {
			operation = ctx.Operation()
		}
		return invalidRequest(operation, status, text, causes)
	}
})

func invalidRequest(operation *huma.Operation, status int, text string, causes []error) *failure {
	code := domain.CodeBadRequest
	if status >= http.StatusInternalServerError {
		code = domain.CodeInternal
	}
	described := false
	for _, cause := range causes {
		var detail *huma.ErrorDetail
		if !errors.As(cause, &detail) {
			continue
		}
		unknown := detail.Message == validation.MsgUnexpectedProperty // may be a mistyped member, which is then missing as well
		if unknown || !described {
			text, described = problemText(operation, detail), true
		}
		if unknown {
			break
		}
	}
	return newFailure(code, text, nil)
}

// problemText describes an invalid parameter or field for people. It leaves out the values of body fields, which may be
// passwords.
func problemText(operation *huma.Operation, detail *huma.ErrorDetail) string {
	for _, p := range operation.Parameters {
		if detail.Location != p.In+"."+p.Name {
			continue
		}
		if sentence, ok := query.Explain(p, detail.Value); ok {
			return sentence
		}
	}
	member := strings.TrimPrefix(detail.Location, "body.")
	if members, ok := operation.Metadata[membersKey].([]string); ok && detail.Message == validation.MsgUnexpectedProperty {
		return fmt.Sprintf("there is no member %.40q: the body has %s", member, strings.Join(members, ", "))
	}
	return strings.TrimSpace(member + ": " + detail.Message)
}

// membersKey is the key under which the metadata of an operation contains the members that its body may have.
const membersKey = "members"

// membersOf returns the names of the members of the body of an input, or nil if it has no body.
func membersOf(input reflect.Type) (members []string) {
	body, found := input.FieldByName("Body")
	if !found || body.Type.Kind() != reflect.Struct {
		return nil
	}
	for _, field := range reflect.VisibleFields(body.Type) {
		if field.Anonymous { // the fields of an embedded struct are members themselves
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		members = append(members, name)
	}
	slices.Sort(members)
	return members
}

func unmarshal(body []byte, v any) error {
	err := strictjson.Unmarshal(body, v)
	if problem := strictjson.TypeProblem(err); problem != "" {
		return errors.New(problem)
	}
	return err
}

// number is an id in a JSON body. Clients send it as a number or as a string of digits.
type number int64

// UnmarshalJSON decodes a number or a string of digits.
func (n *number) UnmarshalJSON(b []byte) error {
	digits := bytes.Trim(b, `"`)
	v, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil || len(b)-len(digits) == 1 {
		return fmt.Errorf("expected an integer or a string of digits")
	}
	*n = number(v)
	return nil
}

// Schema returns the OpenAPI schema of the type, for huma.
func (number) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{
		{Type: huma.TypeInteger, Format: "int64"},
		{Type: huma.TypeString, Pattern: `^-?[0-9]{1,19}$`},
	}}
}
