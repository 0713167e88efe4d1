package docs_test

import (
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"
)

// rules contains the checks of the source tree, with their names.
var rules = []struct {
	name  string
	check func(*testing.T, fs.FS) []fault
}{
	{"imports follow the rules", onCode(importFaults)},
	{"every package has a doc.go", onCode(docFaults)},
	{"only cmd reads the clock", onCode(clockFaults)},
	{"tests do not sleep", onCode(sleepFaults)},
	{"no package has an init function", onCode(initFaults)},
	{"no package has more than 30 files", onCode(sizeFaults)},
	{"every code of a refusal has a text, a status and a meaning", onCode(codeFaults)},
	{"no default is written in addition to its tag", onCode(defaultFaults)},
	{"JSON of clients is decoded strictly", onCode(looseJSONFaults)},
	{"frames of WebSocket clients are validated", onCode(socketFaults)},
	{"links point to existing files", linkFaults},
	{"decisions have a status and the headings Context, Decision and Consequences", decisionFaults},
	{"every library has a stated reason", libraryFaults},
}

func onCode(check func([]goFile) []fault) func(*testing.T, fs.FS) []fault {
	return func(t *testing.T, tree fs.FS) []fault { return check(goFiles(t, tree)) }
}

func TestSourceTreeFollowsTheRules(t *testing.T) {
	if files := goFiles(t, source); !slices.ContainsFunc(files, func(f goFile) bool { return f.path == "domain/doc.go" }) {
		t.Fatalf("the source tree was not found: %d Go files", len(files))
	}
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			for _, found := range sorted(rule.check(t, source)) {
				t.Errorf("%s: %s", found.where, found.what)
			}
		})
	}
}

// sound returns a small source tree that follows all rules.
func sound() fstest.MapFS {
	return texts(map[string]string{
		"domain/doc.go":             "// Package domain is pure.\npackage domain\nimport (\"time\"; \"strings\")\n",
		"domain/a_test.go":          "package domain_test\nimport (\"os\"; \"time\"; \"roomlog/eventstore/pgtest\")\nvar _ = time.Now()\n",
		"migrations/doc.go":         "// Package migrations is SQL.\npackage migrations\n",
		"eventstore/doc.go":         "// Package eventstore is the log.\npackage eventstore\nimport (\"roomlog/domain\"; \"roomlog/migrations\")\n",
		"eventstore/pgtest/doc.go":  "// Package pgtest is for tests.\npackage pgtest\nimport \"time\"\nvar _ = time.Now\nfunc init() {}\n",
		"api/doc.go":                "// Package api is REST.\npackage api\nimport \"roomlog/projections\"\n",
		"media/doc.go":              "// Package media is a server.\npackage media\nimport \"roomlog/internal/wait\"\n",
		"media/flv/doc.go":          "// Package flv is inside it.\npackage flv\nimport \"roomlog/media\"\nfunc (T) init() {}\ntype T struct{ Now int }\nvar _ = T{}.Now\n",
		"cmd/roomlog/doc.go":        "// Command roomlog is all of it.\npackage main\nimport (\"time\"; \"roomlog/media\")\nvar _ = time.Now\n",
		"cmd/roomlog/main_test.go":  "package main\n",
		"README.md":                 "[a](docs/A.md#x \"title\") [b](http://b) [c](#c) `[d](d)`\n```\n[e](e)\n```\n",
		"docs/A.md":                 "[up](../README.md) [dir](decisions)\n",
		"docs/decisions/001-a-b.md": "# 1 A\nStatus: accepted\n## Context\n## Decision\n## Consequences\n",
		libraries:                   "# 6 L\nStatus: accepted\n## Context\n## Decision\n- `x.io/a/v2`: why\n## Consequences\n",
		"go.mod":                    "module roomlog\nrequire x.io/a/v2 v2.0.0\nrequire (\n\tx.io/b v1.0.0 // indirect\n)\n",
		".tools/x/x.go":             "package x\nfunc init() {}\n",
		"domain/testdata/x.go":      "package x\nfunc init() {}\n",
		"other/go.mod":              "module other\n",
		"other/x.go":                "package x\nfunc init() {}\n",
		"node_modules/x/x.md":       "[x](x)\n",
	})
}

func TestRulesAcceptASoundTree(t *testing.T) {
	for _, rule := range rules {
		if faults := rule.check(t, sound()); len(faults) > 0 {
			t.Errorf("%s: got %v", rule.name, faults)
		}
	}
}

// TestRulesReportFaults adds one file with one fault to a source tree without faults, for each kind of fault.
func TestRulesReportFaults(t *testing.T) {
	for _, tt := range []struct{ file, text, want string }{
		{"domain/a.go", "package domain\nimport \"roomlog/eventstore\"", "domain/a.go: domain may not import eventstore"},
		{"domain/a.go", "package domain\nimport \"os\"", "domain/a.go: domain may not import os"},
		{"domain/a.go", "package domain\nimport _ \"crypto/rand\"", "domain/a.go: domain may not import crypto/rand"},
		{"migrations/a.go", "package migrations\nimport \"roomlog/domain\"", "migrations/a.go: migrations may not import domain"},
		{"eventstore/a.go", "package eventstore\nimport \"roomlog/projections\"", "eventstore/a.go: eventstore may not import projections"},
		{"eventstore/a.go", "package eventstore\nimport \"roomlog/eventstore/pgtest\"", "eventstore/a.go: only tests may import eventstore/pgtest"},
		{"media/a.go", "package media\nimport \"roomlog/internal/peertest\"", "media/a.go: only tests may import internal/peertest"},
		{"media/a.go", "package media\nimport \"roomlog/migrations\"", "media/a.go: media may not import migrations"},
		{"media/a.go", "package media\nimport \"roomlog/realtime\"", "media/a.go: server media imports server realtime"},
		{"media/flv/a.go", "package flv\nimport x \"roomlog/realtime/socketio\"", "media/flv/a.go: server media imports server realtime"},
		{"media/a_test.go", "package media_test\nimport \"roomlog/api\"", "media/a_test.go: server media imports server api"},
		{"media/a.go", "package media\nimport \"roomlog/cmd/roomlog\"", "media/a.go: media may not import cmd/roomlog"},
		{"media/a.go", "package media\nimport \"roomlog/projections\"", "media/a.go: media may not import projections"},
		{"realtime/ws/doc.go", "// Package ws is transport.\npackage ws\nimport \"roomlog/internal/wait\"", "realtime/ws/doc.go: realtime/ws may not import internal/wait"},
		{"media/a.go", "package media\ntype Config struct { Tick int `default:\"4\"` }\nconst DefaultTick = 4", "media/a.go: DefaultTick repeats the default tag of Tick"},
		{"media/a.go", "package media\nimport \"cmp\"\ntype Config struct { Tick int `default:\"4\"` }\nfunc f(c Config) int { return cmp.Or(c.Tick, 4) }", "media/a.go: cmp.Or repeats the default tag of Tick"},
		{"media/a.go", "package media\ntype Config struct { Tick int `default:\"4\"` }\nfunc f(c Config) { if c.Tick == 0 { c.Tick = 4 } }", "media/a.go: an assignment repeats the default tag of Tick"},
		{"util/doc.go", "// Package util is forbidden.\npackage util", "util/doc.go: folder util has no line in the import rules"},
		{"media/hls/a.go", "// Package hls has no doc.go.\npackage hls", "media/hls: package hls has no doc.go that starts with its name"},
		{"media/hls/doc.go", "package hls", "media/hls: package hls has no doc.go that starts with its name"},
		{"media/hls/doc.go", "// Here is HLS.\npackage hls", "media/hls: package hls has no doc.go that starts with its name"},
		{"cmd/other/doc.go", "// Package main is a command.\npackage main", "cmd/other: package main has no doc.go that starts with its name"},
		{"domain/a.go", "package domain\nimport \"time\"\nfunc f() time.Time { return time.Now() }", "domain/a.go: uses time.Now"},
		{"media/a.go", "package media\nimport t \"time\"\nvar now = t.Now", "media/a.go: uses time.Now"},
		{"media/a.go", "package media\nimport . \"time\"\nvar now = Now", "media/a.go: imports time with a dot"},
		{"media/a_test.go", "package media\nimport t \"time\"\nfunc f() { t.Sleep(1) }", "media/a_test.go:3: time.Sleep: wait for an event or a condition, or explain it with " + timeComment},
		{"media/a_test.go", "package media\nimport t \"time\"\nfunc f() { for !done() { t.Sleep(1) } }", "media/a_test.go:3: time.Sleep: wait for an event or a condition, or explain it with " + timeComment},
		{"eventstore/a_test.go", "package media\nimport t \"time\"\nfunc f() { <-t.After(1) }", "eventstore/a_test.go:3: <-time.After: wait for an event or a condition, or explain it with " + timeComment},
		{"media/a_test.go", "package media\nimport t \"time\"\nfunc f() {\n for range 3 { <-t.After(1) }\n for !done() { <-t.After(1) } // polls\n <-t.After(1) // time passes: it is the subject\n select { case <-t.After(1): }\n}", "media/a_test.go:4: <-time.After: wait for an event or a condition, or explain it with " + timeComment},
		{"media/a_test.go", "package media\nimport t \"time\"\nfunc f() { if took := t.Since(began); took > 5 { fail() } }", "media/a_test.go:3: compares a measured time: wait for an event or a condition, or explain it with " + timeComment},
		{"media/a_test.go", "package media\nimport t \"time\"\nfunc f() bool { return t.Since(began).Abs() < 5 }", "media/a_test.go:3: compares a measured time: wait for an event or a condition, or explain it with " + timeComment},
		{"media/a.go", "package media\nfunc init() {}", "media/a.go: has an init function"},
		{"cmd/roomlog/a_test.go", "package main\nfunc init() {}", "cmd/roomlog/a_test.go: has an init function"},
		{"api/a.go", "package api\nimport \"encoding/json\"\nvar _ = json.Unmarshal", "api/a.go: decodes with json.Unmarshal: use internal/strictjson"},
		{"media/a.go", "package media\nimport j \"encoding/json\"\nvar _ = j.NewDecoder", "media/a.go: decodes with json.NewDecoder: use internal/strictjson"},
		{"api/a.go", "package api\nimport \"github.com/lxzan/gws\"\nvar _ = gws.NewUpgrader", "api/a.go: accepts WebSockets: read them through a wsframe.Validator"},
		{"docs/B.md", "[a](C.md)", "docs/B.md: links to C.md, which does not exist"},
		{"docs/B.md", "[a](../docs/C.md#part)", "docs/B.md: links to ../docs/C.md#part, which does not exist"},
		{"docs/B.md", "[a](../../README.md)", "docs/B.md: links to ../../README.md, which does not exist"},
		{"docs/B.md", "[a](/README.md)", "docs/B.md: links to /README.md, which does not exist"},
		{"docs/decisions/notes.md", "", "docs/decisions/notes.md: is not named NNN-title.md"},
		{"docs/decisions/001-c.md", "Status: accepted\n## Context\n## Decision\n## Consequences", "docs/decisions/001-c.md: has the number of another decision"},
		{"docs/decisions/003-c.md", "Status: superseded by 4\n## Context\n## Consequences", `docs/decisions/003-c.md: has the headings ["Context" "Consequences"], want Context, Decision, Consequences`},
		{"docs/decisions/003-c.md", "## Context\n## Decision\n## Consequences", `docs/decisions/003-c.md: has no line "Status: proposed|accepted|superseded by …"`},
		{"go.mod", "require (\n\tx.io/b v1.0.0\n)\n", "go.mod: x.io/b has no line in " + libraries},
		{"go.mod", "require x.io/a v1.0.0 // for a reason\n", "go.mod: x.io/a has no line in " + libraries},
	} {
		t.Run(tt.want, func(t *testing.T) {
			tree := sound()
			tree[tt.file] = &fstest.MapFile{Data: []byte(tt.text)}
			var found []string
			for _, rule := range rules {
				for _, fault := range sorted(rule.check(t, tree)) {
					found = append(found, fault.where+": "+fault.what)
				}
			}
			if !slices.Equal(found, []string{tt.want}) {
				t.Fatalf("got %q", found)
			}
		})
	}
}

func texts(files map[string]string) fstest.MapFS {
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return tree
}

func sorted(faults []fault) []fault {
	slices.SortFunc(faults, byPlace)
	return faults
}
