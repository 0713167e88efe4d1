package docs_test

import (
	"fmt"
	"slices"
	"strings"
)

const module = "roomlog"

// importRules lists for each folder which other folders of the module its code may import. The rule of the most
// specific folder applies. A folder may always import the folders inside it. A folder in a list stands also for the
// folders inside it. If a new package needs no more imports than its parent folder, add nothing. To permit a package
// more imports or fewer, add a line.
var importRules = map[string][]string{
	"domain":     {"internal/names", "internal/links", "internal/stickers", "internal/words"},
	"migrations": {"internal"},
	"docs":       {},

	"internal": {}, // packages of general use, which know no rules of the product

	"eventstore":          {"domain", "migrations", "internal"},
	"eventstore/localpg":  {"internal"},
	"eventstore/cluster":  {"eventstore", "internal"},
	"eventstore/consumer": {"domain", "eventstore", "internal"},

	"projections":         {"domain", "eventstore", "internal"},
	"projections/rebuild": {"domain", "eventstore", "projections", "migrations", "internal"},

	"api": {"domain", "eventstore", "projections", "internal"},

	"realtime":                   {"domain", "eventstore", "projections", "internal"},
	"realtime/ws":                {"internal/limit", "internal/netconn", "internal/wsframe"},
	"realtime/hub":               {"domain", "eventstore", "projections", "internal", "realtime/ws"},
	"realtime/chat":              {"domain", "eventstore", "projections", "internal", "realtime/ws", "realtime/hub"},
	"realtime/native":            {"domain", "eventstore", "projections", "internal", "realtime/ws", "realtime/hub", "realtime/chat"},
	"realtime/socketio":          {"domain", "eventstore", "projections", "internal", "realtime/ws", "realtime/hub", "realtime/chat"},
	"realtime/socketio/engineio": {"internal/limit", "realtime/ws", "realtime/socketio/protocol"},
	"realtime/socketio/protocol": {"internal/strictjson", "realtime/ws", "realtime/socketio/engineio"},

	"media":            {"internal"}, // the media server does not depend on the event log
	"media/broadcasts": {"domain", "eventstore", "projections", "internal", "media"},
	"media/hooks":      {"domain", "internal", "media"},

	"cmd": {"domain", "migrations", "eventstore", "projections", "api", "realtime", "media", "internal", "docs"},
}

// servers are the packages that never import each other, not even in tests. A server that needs something from another
// server declares an interface, and cmd connects the two.
var servers = []string{"api", "realtime", "media"}

// testFolders are folders that only tests may import.
var testFolders = []string{"api/apicheck", "cmd/roomlog/analytics/duckdbtest", "eventstore/pgtest", "internal/clocktest", "internal/logtest", "internal/natsconn/natstest", "internal/peertest", "internal/porttest", "internal/schematest", "internal/tracing/tracetest", "internal/waittest", "media/flv/flvtest", "projections/projtest", "realtime/realtimetest", "realtime/ws/wstest", "realtime/socketio/siotest"}

// domainImports lists all packages that domain may import. They have no I/O, no clock and no randomness. Package time
// is in the list because of its types; clockFaults reports reads of the clock.
var domainImports = []string{"cmp", "encoding/json", "errors", "fmt", "maps", "math", "slices",
	"strconv", "strings", "time", "unicode", "unicode/utf8"}

func importFaults(files []goFile) []fault {
	var faults []fault
	for _, file := range files {
		if _, known := importRule(file.dir()); !known {
			faults = append(faults, fault{file.path, "folder " + file.folder() + " has no line in the import rules"})
			continue
		}
		for imported := range file.imports {
			if problem := importFault(file, imported); problem != "" {
				faults = append(faults, fault{file.path, problem})
			}
		}
	}
	return faults
}

// importRule returns the most specific folder that contains dir and has a rule.
func importRule(dir string) (folder string, known bool) {
	for folder = dir; ; folder = folder[:strings.LastIndex(folder, "/")] {
		if _, known = importRules[folder]; known || !strings.Contains(folder, "/") {
			return folder, known
		}
	}
}

// within reports whether dir is one of folders or inside one of them.
func within(dir string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool { return dir == folder || strings.HasPrefix(dir, folder+"/") })
}

func importFault(file goFile, imported string) string {
	dir, own := strings.CutPrefix(imported, module+"/")
	if !own {
		if within(file.dir(), "domain") && !file.test() && !slices.Contains(domainImports, imported) {
			return "domain may not import " + imported
		}
		return ""
	}
	folder, target := file.folder(), topFolder(dir+"/")
	rule, _ := importRule(file.dir())
	switch {
	case slices.Contains(servers, folder) && slices.Contains(servers, target) && folder != target:
		return fmt.Sprintf("server %s imports server %s", folder, target)
	case file.forTests():
		return ""
	case within(dir, testFolders...):
		return "only tests may import " + dir
	case !within(dir, rule) && !within(dir, importRules[rule]...):
		return fmt.Sprintf("%s may not import %s", rule, dir)
	}
	return ""
}
