package native_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"roomlog/internal/schematest"
	"roomlog/realtime/native"
)

var update = flag.Bool("update", false, "write docs/asyncapi.json and the tables of docs/REALTIME.md anew")

const (
	asyncAPIFile = "../../docs/asyncapi.json"
	pageFile     = "../../docs/REALTIME.md"
)

func TestGeneratedDocuments(t *testing.T) {
	t.Run("the AsyncAPI file", func(t *testing.T) {
		want := native.AsyncAPI()
		if *update {
			if err := os.WriteFile(asyncAPIFile, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(asyncAPIFile)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Error("docs/asyncapi.json is stale: run make generate")
		}
		checkReferences(t, want)
	})
	t.Run("the tables of REALTIME.md", func(t *testing.T) {
		page, err := os.ReadFile(pageFile)
		if err != nil {
			t.Fatal(err)
		}
		text := string(page)
		for name, table := range native.Tables() {
			begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->\n"
			before, rest, found := strings.Cut(text, begin)
			was, after, ended := strings.Cut(rest, end)
			if !found || !ended {
				t.Errorf("the page has no place for %s", name)
				continue
			}
			if *update {
				text = before + begin + table + end + after
			} else if was != table {
				t.Errorf("table %s is stale: run make generate, want was %v", name, table)
			}
		}
		if *update {
			if err := os.WriteFile(pageFile, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// checkReferences follows every reference of an AsyncAPI document.
func checkReferences(t *testing.T, doc []byte) {
	t.Helper()
	var root any
	if err := json.Unmarshal(doc, &root); err != nil {
		t.Fatal(err)
	}
	references := 0
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, each := range v {
				walk(each)
			}
		case map[string]any:
			if to, is := v["$ref"].(string); is {
				references++
				at := root
				for _, step := range strings.Split(strings.TrimPrefix(to, "#/"), "/") {
					next, ok := at.(map[string]any)[step]
					if !ok {
						t.Fatalf("the reference %s has no target", to)
					}
					at = next
				}
			}
			for _, each := range v {
				walk(each)
			}
		}
	}
	walk(root)
	if references < 20 {
		t.Errorf("%d references only", references)
	}
}

// TestAsyncAPIExamples checks that every message has an example that its schema allows.
func TestAsyncAPIExamples(t *testing.T) {
	t.Parallel()
	var doc struct {
		Components struct {
			Messages map[string]struct {
				Examples []struct{ Payload any }
			}
		}
	}
	if err := json.Unmarshal(native.AsyncAPI(), &doc); err != nil {
		t.Fatal(err)
	}
	schemas, err := frameSchemas()
	if err != nil {
		t.Fatal(err)
	}
	for name, message := range doc.Components.Messages {
		if len(message.Examples) == 0 {
			t.Errorf("%s has no example", name)
		}
		for _, example := range message.Examples {
			if err := schemas[name].Validate(example.Payload); err != nil {
				t.Errorf("%s: the example %v: %v", name, example.Payload, err)
			}
		}
	}
}

// frameInDocs matches the frames that a page shows: lines after an arrow, and frames within a sentence.
var frameInDocs = regexp.MustCompile("(?m)(?:^[→←] (.*)$|[`'](\\{\"(?:id|re|type)\":\"[^`']*)[`'])")

// TestFramesInDocs checks every frame that the docs show against its schema. "…" stands for any value that the schema allows, and
// "…" after the last member for the members that are left out.
func TestFramesInDocs(t *testing.T) {
	t.Parallel()
	var doc struct {
		Components struct {
			Messages map[string]struct {
				Examples []struct{ Payload map[string]any }
			}
		}
	}
	if err := json.Unmarshal(native.AsyncAPI(), &doc); err != nil {
		t.Fatal(err)
	}
	schemas, err := frameSchemas()
	if err != nil {
		t.Fatal(err)
	}
	joined := doc.Components.Messages["room.join.ok"].Examples[0].Payload["data"].(map[string]any)
	joined["snapshot"] = doc.Components.Messages["push.snapshot"].Examples[0].Payload["data"] // the reply has one or says what is resumed
	for page, want := range map[string]int{"../../README.md": 17, "../../docs/ARCHITECTURE.md": 3, pageFile: 17} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		requests := map[string]string{} // type by id
		for _, match := range frameInDocs.FindAllStringSubmatch(string(text), -1) {
			shown := match[1] + match[2]
			if strings.HasPrefix(page, "../../README") && strings.HasSuffix(shown, "…") {
				continue // cut off at the end of the line
			}
			found++
			var frame map[string]any
			if err := json.Unmarshal([]byte(strings.NewReplacer("{…}", `"…"`, "[…]", `"…"`, ",…}", `,"…":0}`).Replace(shown)), &frame); err != nil {
				t.Errorf("%s: %s: %v", page, shown, err)
				continue
			}
			kind, _ := frame["type"].(string)
			id, _ := frame["id"].(string)
			re, reply := frame["re"].(string)
			name := "push." + kind
			switch {
			case reply && kind == "error":
				name = "error.reply"
			case reply:
				name = requests[re] + "." + kind
			case frame["id"] != nil:
				requests[id] = kind
				name = kind
			}
			if schemas[name] == nil {
				t.Errorf("%s: there is no message %s: %s", page, name, shown)
				continue
			}
			if err := schemas[name].Validate(complete(frame, doc.Components.Messages[name].Examples[0].Payload)); err != nil {
				t.Errorf("%s: %s: %v", page, shown, err)
			}
		}
		if found < want {
			t.Errorf("%s: found %d frames, want at least %d", page, found, want)
		}
	}
}

// complete replaces "…" by what an example contains there.
func complete(shown, example any) any {
	switch v := shown.(type) {
	case string:
		if v == "…" && example != nil {
			return example
		}
	case []any:
		examples, _ := example.([]any)
		for i := range v {
			if len(examples) > 0 {
				v[i] = complete(v[i], examples[0])
			}
		}
	case map[string]any:
		examples, _ := example.(map[string]any)
		_, more := v["…"]
		delete(v, "…")
		for name, value := range examples {
			if had, is := v[name]; is {
				v[name] = complete(had, value)
			} else if more {
				v[name] = value
			}
		}
	}
	return shown
}

// frameSchemas are the schemas of all frames that a server sends, by the names of their messages in the AsyncAPI document.
var frameSchemas = sync.OnceValues(func() (map[string]*jsonschema.Schema, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(native.AsyncAPI()))
	if err != nil {
		return nil, err
	}
	schematest.Close(document)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("asyncapi.json", document); err != nil {
		return nil, err
	}
	schemas := map[string]*jsonschema.Schema{}
	for name := range document.(map[string]any)["components"].(map[string]any)["messages"].(map[string]any) {
		if schemas[name], err = compiler.Compile("asyncapi.json#/components/messages/" + name + "/payload"); err != nil {
			return nil, err
		}
	}
	return schemas, nil
})

// documented returns an error for a frame that the AsyncAPI document does not describe. verb is the type of the request
// to which the frame replies, if the test knows it.
func documented(m message, verb string) error {
	schemas, err := frameSchemas()
	if err != nil {
		return err
	}
	name := "push." + m.Type
	switch {
	case m.Re != "" && m.Type == "error":
		name = "error.reply"
	case m.Re != "" && schemas[verb] == nil: // a request that does not exist or that the test has written itself
		return nil
	case m.Re != "":
		name = verb + "." + m.Type
	}
	if schemas[name] == nil {
		return fmt.Errorf("there is no message %s", name)
	}
	frame, err := jsonschema.UnmarshalJSON(strings.NewReader(m.raw))
	if err != nil {
		return err
	}
	return schemas[name].Validate(frame)
}
