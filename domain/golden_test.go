package domain_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"roomlog/domain"
)

var update = flag.Bool("update", false, "write missing golden files; existing files are frozen")

// golden is the folder of the golden files. The golden payload of an event type is the example in its JSON Schema.
const golden = "../api/schemas"

func goldenFile(typ string) string { return filepath.Join(golden, typ+".json") }

// TestGoldenEvents checks that every event type is encoded and decoded exactly as its golden file in api/schemas
// shows. Golden payloads are frozen: logs contain such payloads, and programs must still read them with the same meaning.
func TestGoldenEvents(t *testing.T) {
	sample := map[string]domain.Event{}
	for _, e := range samples() {
		if hasZeroField(reflect.ValueOf(e)) {
			t.Errorf("the sample of %s has an empty field: write one without empty fields into writtenSamples in domain/examples_test.go (%+v)", e.Type(), e)
		}
		sample[e.Type()] = e
	}
	known := map[string]bool{}
	for _, spec := range domain.Events {
		known[spec.Type] = true
		t.Run(spec.Type, func(t *testing.T) {
			want := sample[spec.Type]
			payload := readGolden(t, spec.Type, want)
			got, err := spec.Decode(payload)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf(frozen+"the golden file is decoded as\n\t%+v (%v)\nwant\n\t%+v", spec.Type, got, err, want)
			}
			encoded, err := json.Marshal(got)
			if err != nil || !bytes.Equal(encoded, payload) {
				t.Fatalf(frozen+"the event is encoded as\n\t%s (%v)\nwant\n\t%s", spec.Type, encoded, err, payload)
			}
		})
		for older, upcast := range spec.Upcasters {
			known[older] = true
			t.Run(older, func(t *testing.T) {
				payload, err := upcast(readGolden(t, older, nil))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := spec.Decode(payload); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
	files, err := os.ReadDir(golden)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if typ, isSchema := strings.CutSuffix(f.Name(), ".json"); isSchema && !known[typ] {
			t.Errorf(frozen+"the catalogue does not contain it", typ)
		}
	}
}

// frozen begins every error message about a changed event.
const frozen = "%s is frozen, because logs contain it. Undo the change, or add the next version with an upcaster and keep the " +
	"golden file of this one. Before the event is merged, no log contains it: delete its golden file in api/schemas, which is also " +
	"its schema, and run make generate.\nReason: "

// readGolden returns the payload in the golden file of typ, in the form that the log stores. With -update it creates a
// missing file from e, which "roomlog docs" completes to a schema. It never overwrites a file.
func readGolden(t *testing.T, typ string, e domain.Event) []byte {
	t.Helper()
	if _, err := os.Stat(goldenFile(typ)); *update && e != nil && errors.Is(err, fs.ErrNotExist) {
		b, err := json.MarshalIndent(map[string]any{"examples": []domain.Event{e}}, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(goldenFile(typ), append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(goldenFile(typ))
	if err != nil {
		t.Fatalf("%s is stale: run make generate (%v)", typ, err)
	}
	var schema struct{ Examples []json.RawMessage }
	if err := json.Unmarshal(b, &schema); err != nil || len(schema.Examples) != 1 {
		t.Fatalf("%s contains %d examples, want the golden payload (%v)", goldenFile(typ), len(schema.Examples), err)
	}
	var payload bytes.Buffer
	if err := json.Compact(&payload, schema.Examples[0]); err != nil {
		t.Fatal(err)
	}
	return payload.Bytes()
}

// hasZeroField reports whether a struct has a field with its zero value, at any depth.
func hasZeroField(v reflect.Value) bool {
	if at, is := v.Interface().(time.Time); is {
		return at.IsZero()
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if hasZeroField(v.Field(i)) {
				return true
			}
		}
		return false
	case reflect.Slice:
		for i := range v.Len() {
			if hasZeroField(v.Index(i)) {
				return true
			}
		}
		return v.Len() == 0
	default:
		return v.IsZero()
	}
}
