package apicheck

import (
	"net/http"
	"strings"
	"testing"
)

const testDocument = `{
	"openapi": "3.1.0", "info": {"title": "test", "version": "1"},
	"paths": {
		"/gift/{id}": {"get": {
			"parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}}],
			"responses": {
				"200": {"description": "OK", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Gift"}}}},
				"404": {"description": "none", "content": {"application/json": {
					"schema": {"$ref": "#/components/schemas/Failure"}, "examples": {"gift_not_found": {"value": {"msg": "fail", "code": "gift_not_found"}}}
				}}}
			}
		}},
		"/events": {"get": {"responses": {"200": {"description": "OK", "content": {
			"application/x-ndjson": {"schema": {"$ref": "#/components/schemas/Gift"}}, "text/event-stream": {"schema": {"$ref": "#/components/schemas/Gift"}}
		}}}}}
	},
	"components": {"schemas": {
		"Gift": {"type": "object", "properties": {"name": {"type": "string"}, "at": {"type": "string", "format": "date-time"}}, "required": ["name"]},
		"Failure": {"type": "object", "properties": {"msg": {"type": "string"}, "code": {"type": "string"}}}
	}}
}`

func TestCheck(t *testing.T) {
	c, err := New([]byte(testDocument))
	if err != nil {
		t.Fatal(err)
	}
	const anyJSON, lines, events = "application/json", "application/x-ndjson", "text/event-stream"
	for name, tt := range map[string]struct {
		path   string
		status int
		kind   string
		body   string
		want   string // part of the error; "": no error
	}{
		"a response that is described":         {"/gift/1?x=1", 200, anyJSON, `{"name":"Rose","at":"2026-01-31T15:04:05Z"}`, ""},
		"a member that is not described":       {"/gift/1", 200, anyJSON, `{"name":"Rose","price":3}`, "additional properties 'price' not allowed"},
		"null for a text":                      {"/gift/1", 200, anyJSON, `{"name":null}`, "got null, want string"},
		"a member that is missing":             {"/gift/1", 200, anyJSON, `{}`, "missing property 'name'"},
		"a time in another format":             {"/gift/1", 200, anyJSON, `{"name":"Rose","at":"yesterday"}`, "date-time"},
		"a status that is not described":       {"/gift/1", 500, anyJSON, `{}`, "the status is not described"},
		"a content type that is not described": {"/gift/1", 200, "text/html", `<p>`, "the content type text/html is not described"},
		"a code that is described":             {"/gift/1", 404, anyJSON, `{"msg":"fail","code":"gift_not_found"}`, ""},
		"a code that is not described":         {"/gift/1", 404, anyJSON, `{"msg":"fail","code":"live_not_found"}`, "the code live_not_found is not listed"},
		"a path that is not described":         {"/gifts", 200, anyJSON, `{}`, "is not in the OpenAPI document"},
		"an unknown path":                      {"/gifts", 404, anyJSON, `{"msg":"fail","data":"x","code":"no_such_endpoint","text_en":"x"}`, ""},
		"lines":                                {"/events", 200, lines, "{\"name\":\"a\"}\n{\"name\":\"b\"}\n", ""},
		"a wrong line":                         {"/events", 200, lines, "{\"name\":\"a\"}\n{\"name\":1}\n", "got number, want string"},
		"a wrong event":                        {"/events", 200, events, "id: 1\ndata: {\"name\":\"a\"}\n\nid: 2\ndata: {\"name\":1}\n\n", "got number, want string"},
	} {
		err := c.Check(http.MethodGet, tt.path, tt.status, http.Header{"Content-Type": {tt.kind}}, []byte(tt.body))
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

func TestInvalidDocuments(t *testing.T) {
	for name, document := range map[string]string{
		"no JSON":           `{`,
		"no paths":          `{"openapi":"3.1.0","info":{"title":"test","version":"1"},"paths":{"x":{}}}`,
		"a wrong schema":    strings.Replace(testDocument, `"type": "integer"`, `"type": "number of a gift"`, 1),
		"a wrong reference": strings.Replace(testDocument, `#/components/schemas/Failure`, `#/components/schemas/Nothing`, 1),
	} {
		if _, err := New([]byte(document)); err == nil {
			t.Errorf("%s: the document is accepted", name)
		}
	}
}
