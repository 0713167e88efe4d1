package api_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"roomlog/api"
	"roomlog/api/apicheck"
	"roomlog/domain"
)

// TestSchemasDescribeEveryEvent validates the payloads of a replay, with and without private fields, with the schemas
// that the server serves.
func TestSchemasDescribeEveryEvent(t *testing.T) {
	t.Parallel()
	a, b, _ := withHistory(t, func(c *api.Config) { c.GuestChat = true })
	b.command(domain.PostMessage{Kind: domain.MessageText, Text: "for you alone", ToUser: a.ID})
	a.testAPI.post("/login", object{"email": "carol@example.org"})
	a.operator(domain.BanUser{User: b.ID, Reason: "a note about bob"})
	var list []struct{ Type, URL string }
	decode(t, a.testAPI.get("/schemas/"), &list)
	schemas := map[string]*jsonschema.Schema{}
	for _, entry := range list {
		served := a.testAPI.get(entry.URL)
		if kind := served.header.Get("Content-Type"); served.status != http.StatusOK || kind != "application/schema+json" {
			t.Fatalf("%s: status %d, content type %s", entry.URL, served.status, kind)
		}
		schema, err := apicheck.CompileSchema(served.raw)
		if err != nil {
			t.Fatal(err)
		}
		schemas[entry.Type] = schema
		if again := a.testAPI.get(entry.URL, "If-None-Match", served.header.Get("ETag")); again.status != http.StatusNotModified {
			t.Errorf("%s: status %d for a client that has the schema, want 304", entry.URL, again.status)
		}
	}
	for _, spec := range domain.Events {
		if schemas[spec.Type] == nil {
			t.Errorf("the list has no schema of %s", spec.Type)
		}
	}
	validate := func() {
		for _, l := range a.replay("") {
			if l.Position == 0 {
				continue
			}
			value, err := jsonschema.UnmarshalJSON(bytes.NewReader(l.Data))
			if err != nil {
				t.Fatal(err)
			}
			if err := schemas[l.Type].Validate(value); err != nil {
				t.Errorf("%s %s: %v", l.Type, l.Data, err)
			}
		}
	}
	validate()
	a.grant(domain.RolePersonal)
	validate()
	if missing := a.testAPI.get("/schemas/nothing.json"); missing.status != http.StatusNotFound {
		t.Errorf("got %d, want 404", missing.status)
	}
	events := strings.Split(string(a.get("/api/events?envelope=cloudevents&limit=1").raw), "\n")[0]
	if !strings.Contains(events, `"dataschema":"`+a.url+`/schemas/user.registered.v1.json"`) {
		t.Errorf("the schema is not named: %s", events)
	}
}
