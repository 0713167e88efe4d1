package query_test

import (
	"net/url"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"roomlog/api/query"
	"roomlog/domain"
)

func known() []*huma.Param {
	least, most := 1.0, 500.0
	return []*huma.Param{
		{Name: "limit", In: "query", Schema: &huma.Schema{Type: huma.TypeInteger, Minimum: &least, Maximum: &most}},
		{Name: "follow", In: "query", Schema: &huma.Schema{Type: huma.TypeBoolean}},
		{Name: "type", In: "query", Schema: &huma.Schema{Type: huma.TypeArray}},
		{Name: "id", In: "path", Schema: &huma.Schema{Type: huma.TypeInteger}},
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{ // query → expected refusal, "" if it is accepted
		"":                    "",
		"limit=1&follow=true": "",
		"type=a&type=b":       "",
		"limit=":              "",
		"to=7":                `there is no query parameter "to": this endpoint has follow, limit, type`,
		"Limit=7":             `there is no query parameter "Limit": this endpoint has follow, limit, type`,
		"id=7":                `there is no query parameter "id": this endpoint has follow, limit, type`,
		"limit=1&limit=1":     "limit must be sent at most once (got 2)",
		"limit=%00":           `limit must be text in UTF-8 without the character NUL (got "\x00")`,
		"limit=%c3%28":        `limit must be text in UTF-8 without the character NUL (got "\xc3(")`,
		"limit=1;follow=1":    "the query is malformed: invalid semicolon separator in query",
		"limit=%zz":           `the query is malformed: invalid URL escape "%zz"`,
		"a%00%0a=1":           `there is no query parameter "a\x00\n": this endpoint has follow, limit, type`,
	} {
		err := query.Check(raw, known())
		if refused := domain.AsRefusal(err); want == "" && err != nil || want != "" && (refused == nil || refused.Text != want) {
			t.Errorf("%s: got %v, want %s", raw, err, want)
		}
	}
	if err := query.Check("x=1", known()[3:]); domain.AsRefusal(err) == nil || domain.AsRefusal(err).Text != `there is no query parameter "x": this endpoint has none` {
		t.Errorf("got %v", err)
	}
}

func TestReader(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{ // query → expected refusal, "" if it is accepted
		"limit=500&follow=1":            "",
		"limit=0":                       "limit must be a whole number from 1 to 500 (got 0)",
		"limit=-1":                      "limit must be a whole number from 1 to 500 (got -1)",
		"limit=501":                     "limit must be a whole number from 1 to 500 (got 501)",
		"limit=1.5":                     "limit must be a whole number from 1 to 500 (got 1.5)",
		"limit=99999999999999999999999": "limit must be a whole number from 1 to 500 (got 99999999999999999999999)",
		"follow=perhaps":                "follow must be true or false (got perhaps)",
		"limit=x&follow=perhaps":        "limit must be a whole number from 1 to 500 (got x)",
	} {
		values, err := url.ParseQuery(raw)
		if err != nil {
			t.Fatal(err)
		}
		limit, follow := int64(7), false
		r := query.NewReader(values, known())
		r.Integer("limit", &limit)
		r.Boolean("follow", &follow)
		err = r.Err()
		if refused := domain.AsRefusal(err); want == "" && err != nil || want != "" && (refused == nil || refused.Text != want) {
			t.Errorf("%s: got %v, want %s", raw, err, want)
		}
		if want == "" && (limit != 500 || !follow) {
			t.Errorf("%s: read %d, %v", raw, limit, follow)
		}
	}
	limit := int64(7)
	r := query.NewReader(nil, known())
	if r.Integer("limit", &limit); limit != 7 || r.Err() != nil {
		t.Errorf("a missing parameter became %d", limit)
	}
}
