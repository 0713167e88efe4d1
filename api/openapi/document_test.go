package openapi_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"roomlog/api/openapi"
)

type inner struct {
	Video string `json:"video" example:"H264"`
}

type outer struct {
	UserID int    `json:"user_id"`
	Owner  int    `json:"userId"`
	Inner  *inner `json:"inner"`
	Title  string `json:"title" example:"An evening"`
}

type unnamed = struct{}

type withoutExample struct {
	Text string `json:"text"`
}

// document returns the document of an API with one operation whose response has type t.
func document(t *testing.T, response reflect.Type) (map[string]any, error) {
	t.Helper()
	c := huma.DefaultConfig("test", "1")
	schema := c.Components.Schemas.Schema(response, true, "")
	c.OpenAPI.AddOperation(&huma.Operation{Method: http.MethodGet, Path: "/x", OperationID: "x", Responses: map[string]*huma.Response{
		"200": {Description: "OK", Content: openapi.JSON(schema, nil)},
	}})
	encoded, err := openapi.Document(c.OpenAPI)
	if err != nil {
		return nil, err
	}
	var decoded map[string]any
	if err := json.Unmarshal(encoded, &decoded); err != nil {
		t.Fatal(err)
	}
	return decoded, nil
}

func TestDocument(t *testing.T) {
	d, err := document(t, reflect.TypeFor[outer]())
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]string{
		"a pointer may be null":        `"inner":{"anyOf":[{"$ref":"#/components/schemas/Inner"},{"type":"null"}]}`,
		"similar names have Go names":  `"userId":{"format":"int64","type":"integer","x-go-name":"Owner"},"user_id":{"format":"int64","type":"integer","x-go-name":"UserID"}`,
		"the response has an example":  `"example":{"inner":{"video":"H264"},"title":"An evening","userId":1,"user_id":1}`,
		"other names have no Go names": `"title":{"examples":["An evening"],"type":"string"}`,
	} {
		if !strings.Contains(string(encoded), want) {
			t.Errorf("%s: the document lacks %s:\n%s", what, want, encoded)
		}
	}
}

func TestIncompleteDocuments(t *testing.T) {
	for name, tt := range map[string]struct {
		response reflect.Type
		want     string
	}{
		"a type without a name":     {reflect.TypeFor[unnamed](), "a schema has no name"},
		"a text without an example": {reflect.TypeFor[withoutExample](), `GET /x response.text has no example`},
	} {
		if _, err := document(t, tt.response); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}

func TestAddFailures(t *testing.T) {
	o := &huma.Operation{Responses: map[string]*huma.Response{"101": {}, "200": {}, "default": {}}}
	openapi.AddFailures(o, &huma.Schema{}, []openapi.Failure{
		{Code: "live_not_found", Status: 404, Body: "a"}, {Code: "gift_not_found", Status: 404, Body: "b"}, {Code: "gift_not_found", Status: 404, Body: "b"},
		{Code: "busy", Status: 503, Body: "c", Retry: true},
	})
	if len(o.Responses) != 4 || o.Responses["101"] == nil || o.Responses["default"] != nil {
		t.Fatalf("the responses are %v, want 101, 200, 404 and 503", o.Responses)
	}
	missing := o.Responses["404"]
	if want := "Not Found. Codes: `gift_not_found`, `live_not_found`."; missing.Description != want {
		t.Errorf("the description is %q, want %q", missing.Description, want)
	}
	if examples := missing.Content["application/json"].Examples; len(examples) != 2 || examples["gift_not_found"].Value != "b" {
		t.Errorf("the examples are %v, want one for each code", examples)
	}
	if missing.Headers != nil || o.Responses["503"].Headers["Retry-After"] == nil {
		t.Error("only the response that may be repeated has Retry-After")
	}
}
