package apicheck

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"roomlog/internal/schematest"
)

// object is a JSON object.
type object = map[string]any

// location is the address of the document for the JSON Schema compiler.
const location = "openapi.json"

// Checker checks responses. It is safe for concurrent use.
type Checker struct {
	document  object // the OpenAPI document, closed by schematest.Close
	templates []string

	mu       sync.Mutex
	compiler *jsonschema.Compiler
	schemas  map[string]*jsonschema.Schema // compiled schemas by their JSON pointers
}

// New returns a Checker for an OpenAPI document. It returns an error if the document is not valid.
func New(document []byte) (*Checker, error) {
	parsed, err := openapi3.NewLoader().LoadFromData(document)
	if err == nil {
		err = parsed.Validate(context.Background())
	}
	if err != nil {
		return nil, fmt.Errorf("the OpenAPI document is not valid: %w", err)
	}
	decoded, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		return nil, fmt.Errorf("decode the OpenAPI document: %w", err)
	}
	schematest.Close(decoded)
	c := &Checker{document: decoded.(object), compiler: jsonschema.NewCompiler(), schemas: make(map[string]*jsonschema.Schema)}
	c.compiler.DefaultDraft(jsonschema.Draft2020)
	c.compiler.AssertFormat()
	if err := c.compiler.AddResource(location, decoded); err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	c.templates = slices.SortedFunc(maps.Keys(c.document["paths"].(object)), func(a, b string) int { // Templates without parameters come first.
		return strings.Count(a, "{") - strings.Count(b, "{")
	})
	return c, nil
}

// Check returns an error for a response that the document does not describe. It ignores preflights of browsers and the
// documents themselves.
func (c *Checker) Check(method, path string, status int, header http.Header, body []byte) error {
	path, _, _ = strings.Cut(path, "?")
	if method == http.MethodOptions || status == http.StatusNotModified || slices.Contains(undescribed, path) || strings.HasPrefix(path, "/docs/") || strings.HasPrefix(path, "/schemas/") ||
		status == http.StatusOK && isPage(path) {
		return nil
	}
	template, operation := c.find(method, path)
	if operation == nil {
		return checkUnknown(method, path, status, body)
	}
	place := fmt.Sprintf("%s %s: response %d", method, path, status)
	if err := c.checkBody(template, method, operation, status, header, body); err != nil {
		return fmt.Errorf("%s: %w: %.500s", place, err, body)
	}
	if err := checkCode(operation, status, body); err != nil {
		return fmt.Errorf("%s: %w", place, err)
	}
	return nil
}

// undescribed contains the paths that the OpenAPI document does not describe: the page and the documents themselves.
var undescribed = []string{"/", "/docs", "/openapi.json", "/asyncapi.json"}

// isPage reports whether a path is an address of the page for people or of one of its files.
func isPage(path string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return slices.Contains([]string{"past", "studio", "desk", "me", "replay", "watch", "page"}, first)
}

// find returns the template of a path and the operation of a request. The operation is nil if there is none.
func (c *Checker) find(method, path string) (template string, operation object) {
	i := slices.IndexFunc(c.templates, func(template string) bool { return matches(template, path) })
	if i < 0 {
		return "", nil
	}
	item := c.document["paths"].(object)[c.templates[i]].(object)
	operation, _ = item[strings.ToLower(method)].(object)
	return c.templates[i], operation
}

// matches reports whether a path has the form of a template. A last parameter named path may contain slashes.
func matches(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if n := len(want); want[n-1] == "{path}" && len(got) > n {
		got = got[:n]
	}
	return slices.EqualFunc(want, got, func(w, g string) bool { return w == g || strings.HasPrefix(w, "{") && g != "" })
}

// checkUnknown checks the response to a request for which there is no operation.
func checkUnknown(method, path string, status int, body []byte) error {
	if status == http.StatusMethodNotAllowed && len(body) == 0 || method == http.MethodHead {
		return nil
	}
	var f struct{ Msg, Data, Code, TextEN string }
	err := json.Unmarshal(bytes.Replace(body, []byte("text_en"), []byte("TextEN"), 1), &f)
	missing := status == http.StatusNotFound && f.Code == "no_such_endpoint" || status == http.StatusMethodNotAllowed && f.Code == "method_not_allowed"
	if err != nil || !missing || f.Msg != "fail" || f.Data == "" || f.TextEN == "" {
		return fmt.Errorf("%s %s is not in the OpenAPI document, but the response is %d %.300s", method, path, status, body)
	}
	return nil
}

// checkBody checks status, content type and body. Each line of a replay is checked by itself.
func (c *Checker) checkBody(template, method string, operation object, status int, header http.Header, body []byte) error {
	response, _ := operation["responses"].(object)[strconv.Itoa(status)].(object)
	if response != nil && status == http.StatusSwitchingProtocols {
		return nil // It has no body.
	}
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("content type %q: %w", header.Get("Content-Type"), err)
	}
	content, _ := response["content"].(object)
	media, _ := content[kind].(object)
	switch {
	case response == nil:
		return fmt.Errorf("the status is not described")
	case media == nil && content["*/*"] != nil, (kind == "text/plain" || kind == "text/csv" || kind == "application/octet-stream") && media != nil:
		return nil // The body may contain any bytes.
	case media == nil:
		return fmt.Errorf("the content type %s is not described", kind)
	}
	schema, err := c.schema("paths", template, strings.ToLower(method), "responses", strconv.Itoa(status), "content", kind, "schema")
	if err != nil {
		return err
	}
	values := [][]byte{body}
	switch kind {
	case "application/x-ndjson":
		values = bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
	case "text/event-stream":
		values = eventData(body)
	}
	for _, value := range values {
		decoded, err := jsonschema.UnmarshalJSON(bytes.NewReader(value))
		if err == nil {
			err = schema.Validate(decoded)
		}
		if err != nil {
			return fmt.Errorf("%.200s: %w", value, err)
		}
	}
	return nil
}

// schema returns the compiled schema at a path of members.
func (c *Checker) schema(path ...string) (*jsonschema.Schema, error) {
	pointer := location + "#"
	for _, name := range path {
		pointer += "/" + url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.schemas[pointer] == nil {
		schema, err := c.compiler.Compile(pointer)
		if err != nil {
			return nil, fmt.Errorf("compile the schema: %w", err)
		}
		c.schemas[pointer] = schema
	}
	return c.schemas[pointer], nil
}

func eventData(body []byte) (data [][]byte) {
	for line := range bytes.Lines(body) {
		if text, is := bytes.CutPrefix(line, []byte("data:")); is {
			data = append(data, bytes.TrimSpace(text))
		}
	}
	return data
}

// checkCode checks that the operation lists the code of a failure.
func checkCode(operation object, status int, body []byte) error {
	var failure struct{ Msg, Code string }
	if err := json.Unmarshal(body, &failure); err != nil || failure.Msg != "fail" {
		return nil //nolint:nilerr // not a failure
	}
	response := operation["responses"].(object)[strconv.Itoa(status)].(object)
	media := response["content"].(object)["application/json"].(object)
	listed, _ := media["examples"].(object)
	if listed[failure.Code] == nil {
		return fmt.Errorf("the code %s is not listed, only %q", failure.Code, slices.Sorted(maps.Keys(listed)))
	}
	return nil
}
