package socketio

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEvents(t *testing.T) {
	page, err := os.ReadFile("../../docs/REALTIME.md")
	if err != nil {
		t.Fatal(err)
	}
	type key struct {
		name    string
		profile profile
	}
	seen := make(map[key]bool)
	for _, e := range events() {
		t.Run(e.name, func(t *testing.T) {
			if e.name == "" || len(e.profiles) == 0 || e.access == 0 || e.rate == 0 {
				t.Errorf("event %+v lacks its name, profiles, access or rate class", e)
			}
			if !strings.HasSuffix(e.doc, ".") {
				t.Errorf("doc %q is not a sentence", e.doc)
			}
			handlers := 0
			for _, set := range []bool{e.socket != nil, e.chat != nil, e.toNamespace} {
				if set {
					handlers++
				}
			}
			if handlers != 1 {
				t.Error("exactly one of the fields socket, chat and toNamespace must be set")
			}
			if e.chat == nil && (e.access == accessPlainChat || e.access == accessRoom || e.access == accessSignedIn) {
				t.Error("an event with this access needs a handler in the field chat")
			}
			if e.socket != nil && (e.rate == rateQuery || e.rate == rateSession || e.rate == rateMessage || e.rate == rateTyping) {
				t.Error("an event with this rate class needs a handler in the field chat")
			}
			if !strings.Contains(string(page), "`"+e.name+"`") && !strings.Contains(string(page), "`"+e.name+" ") {
				t.Errorf("docs/REALTIME.md does not mention `%s`", e.name)
			}
			for _, p := range e.profiles {
				if seen[key{e.name, p}] {
					t.Errorf("the event is listed twice for profile %d", p)
				}
				seen[key{e.name, p}] = true
			}
		})
	}
	t.Run("are registered nowhere else", func(t *testing.T) {
		files, err := filepath.Glob("*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			source, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if name != "events.go" && !strings.HasSuffix(name, "_test.go") && strings.Contains(string(source), "socket.On(") {
				t.Errorf("%s registers an event: add it to events.go", name)
			}
		}
	})
}
