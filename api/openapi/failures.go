package openapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"roomlog/domain"
)

// Failure is a failure that an operation may respond with.
type Failure struct {
	Code   domain.Code
	Status int
	Body   any  // example of the response
	Retry  bool // whether the response has the header Retry-After
}

// AddFailures replaces all responses of an operation except 101 and 200 by one response for each status. A response has the given
// schema, the codes in its description, and an example for each code under the name of the code.
func AddFailures(o *huma.Operation, schema *huma.Schema, failures []Failure) {
	for status := range o.Responses {
		if status != "200" && status != "101" {
			delete(o.Responses, status)
		}
	}
	byStatus := make(map[int][]Failure)
	for _, f := range failures {
		byStatus[f.Status] = append(byStatus[f.Status], f)
	}
	for status, same := range byStatus {
		slices.SortFunc(same, func(a, b Failure) int { return strings.Compare(string(a.Code), string(b.Code)) })
		var codes []string
		examples := make(map[string]any)
		response := &huma.Response{}
		for _, f := range same {
			if examples[string(f.Code)] != nil {
				continue
			}
			codes = append(codes, "`"+string(f.Code)+"`")
			examples[string(f.Code)] = f.Body
			if f.Retry {
				response.Headers = map[string]*huma.Param{"Retry-After": {
					Description: "seconds to wait before the next request; absent if unknown", Schema: &huma.Schema{Type: huma.TypeInteger},
				}}
			}
		}
		response.Description = http.StatusText(status) + ". Codes: " + strings.Join(codes, ", ") + "."
		response.Content = JSON(schema, examples)
		o.Responses[strconv.Itoa(status)] = response
	}
}
