package api_test

import (
	"encoding/json"
	"testing"
)

func decode(t testing.TB, a answer, v any) {
	t.Helper()
	if err := json.Unmarshal(a.raw, v); err != nil {
		t.Fatalf("%v: %s", err, a.raw)
	}
}
