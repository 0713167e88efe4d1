package docgen_test

import (
	"bytes"
	"os"
	"testing"

	"roomlog/cmd/roomlog/docgen"
)

func TestX(t *testing.T) {
	b, err := docgen.Events(os.DirFS("../../.."))
	if err != nil {
		t.Fatal(err)
	}
	_ = bytes.Equal
	os.WriteFile("/tmp/EVENTS.md", b, 0o644)
}
