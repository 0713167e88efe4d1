package docgen_test

import (
	"bytes"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"roomlog/api/apicheck"
	"roomlog/cmd/roomlog/docgen"
	"roomlog/domain"
)

// TestEveryEventVersionHasASchema checks that each event version, and nothing else, has a schema with which its golden
// payload is valid, and that the schema refuses other payloads.
func TestEveryEventVersionHasASchema(t *testing.T) {
	t.Parallel()
	var want []string
	for _, spec := range domain.Events {
		want = append(want, spec.Type)
		for older := range spec.Upcasters {
			want = append(want, older)
		}
	}
	slices.Sort(want)
	files, err := fs.Glob(os.DirFS(root), "api/schemas/*.json")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		got = append(got, strings.TrimSuffix(strings.TrimPrefix(f, "api/schemas/"), ".json"))
	}
	if !slices.Equal(got, want) {
		t.Fatalf("got schemas of %v, want %v: run make generate, and keep the schemas of earlier versions", got, want)
	}
	for _, typ := range want {
		text, err := os.ReadFile(root + "/api/schemas/" + typ + ".json")
		if err != nil {
			t.Fatal(err)
		}
		schema, err := apicheck.CompileSchema(text)
		if err != nil {
			t.Fatal(err)
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		value := document.(map[string]any)["examples"].([]any)[0]
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: the golden payload is not valid: %v", typ, err)
		}
		fields := value.(map[string]any)
		fields["unknown"] = true
		if schema.Validate(value) == nil {
			t.Errorf("%s: a payload with an unknown field is valid", typ)
		}
		delete(fields, "unknown")
		for name, old := range fields {
			fields[name] = map[string]any{"of": "another type"}
			if schema.Validate(value) == nil {
				t.Errorf("%s: a payload whose field %s has another type is valid", typ, name)
			}
			fields[name] = old
		}
	}
}

// TestSchemasAreFrozen changes the stored schema of an event, so that the source code differs from it like after a
// change of the code.
func TestSchemasAreFrozen(t *testing.T) {
	t.Parallel()
	i := slices.IndexFunc(domain.Events, func(s domain.EventSpec) bool { return s.Type == "gift.sent.v2" })
	spec, file := domain.Events[i], "api/schemas/gift.sent.v2.json"
	stored, err := os.ReadFile(root + "/" + file)
	if err != nil {
		t.Fatal(err)
	}
	tree := copied(t)
	for _, c := range []struct{ name, old, changed, fault string }{ // fault "" means that the change is compatible
		{"nothing changes", `"num"`, `"num"`, ""},
		{"a description", `"number of gifts"`, `"how many gifts"`, ""},
		{"a field is added", "\"num\": {\n      \"type\": \"integer\",\n      \"description\": \"number of gifts\"\n    },", "", "payload.num was added"},
		{"a field is removed", `"num": {`, `"many": {"type": "integer"}, "num": {`, "payload.many was removed"},
		{"a type", "\"num\": {\n      \"type\": \"integer\"", "\"num\": {\n      \"type\": \"string\"", "payload.num: type was string and is integer"},
		{"a type inside a list", "\"amount\": {\n            \"type\": \"integer\"", "\"amount\": {\n            \"type\": \"number\"", "payload.postings[].amount: type was number and is integer"},
		{"a field becomes optional", "    \"num\",\n", "", "payload: num was not always present"},
		{"a field becomes mandatory", "    \"num\",\n", "    \"num\",\n    \"fee\",\n", "payload: fee is no longer always present"},
		{"other fields are permitted", `"additionalProperties": false`, `"additionalProperties": true`, "additionalProperties was true and is false"},
	} {
		changed := strings.Replace(string(stored), c.old, c.changed, 1)
		if changed == string(stored) && c.old != c.changed {
			t.Fatalf("%s: the schema does not contain %s", c.name, c.old)
		}
		tree[file] = &fstest.MapFile{Data: []byte(changed)}
		got, err := docgen.Schema(tree, spec)
		if c.fault == "" {
			if err != nil || !bytes.Equal(got, stored) {
				t.Errorf("%s: got %v\n%s", c.name, err, got)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.fault) || !strings.Contains(err.Error(), "gift.sent.v2 is frozen") {
			t.Errorf("%s: got %v, want %q", c.name, err, c.fault)
		}
	}
}
