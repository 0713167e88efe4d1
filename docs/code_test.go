package docs_test

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strings"
)

const (
	pgtestDir = "eventstore/pgtest"
	maxFiles  = 30 // maximum number of files of a package, not counting tests
)

// docFaults reports packages without a doc.go whose first word after "Package" is the name of the package.
func docFaults(files []goFile) []fault {
	packages := map[string]string{} // folder → name of the package
	documented := map[string]bool{}
	for _, file := range files {
		if file.test() {
			continue
		}
		name := file.syntax.Name.Name
		packages[file.dir()] = name
		start := "Package " + name + " "
		if name == "main" {
			start = "Command " + path.Base(file.dir()) + " "
		}
		if path.Base(file.path) == "doc.go" && strings.HasPrefix(file.syntax.Doc.Text(), start) {
			documented[file.dir()] = true
		}
	}
	var faults []fault
	for dir, name := range packages {
		if !documented[dir] {
			faults = append(faults, fault{dir, "package " + name + " has no doc.go that starts with its name"})
		}
	}
	return faults
}

// clockFaults reports uses of time.Now outside cmd and tests. Other packages must receive a clock from their caller.
func clockFaults(files []goFile) []fault {
	var faults []fault
	for _, file := range files {
		local, imports := file.imports["time"]
		if !imports || file.forTests() || file.folder() == "cmd" {
			continue
		}
		if local == "." {
			faults = append(faults, fault{file.path, "imports time with a dot"})
		}
		ast.Inspect(file.syntax, func(node ast.Node) bool {
			if selector, ok := node.(*ast.SelectorExpr); ok && selector.Sel.Name == "Now" {
				if pkg, ok := selector.X.(*ast.Ident); ok && pkg.Name == local {
					faults = append(faults, fault{file.path, "uses time.Now"})
				}
			}
			return true
		})
	}
	return faults
}

// initFaults reports init functions. Only pgtest may have one; its doc.go gives the reason.
func initFaults(files []goFile) []fault {
	var faults []fault
	for _, file := range files {
		if file.dir() == pgtestDir {
			continue
		}
		for _, declaration := range file.syntax.Decls {
			if f, ok := declaration.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				faults = append(faults, fault{file.path, "has an init function"})
			}
		}
	}
	return faults
}

// socketFaults reports files that accept WebSockets in a package that does not use wsframe.Validator. The library panics on some frames.
func socketFaults(files []goFile) []fault {
	validates := map[string]bool{} // folders
	var accepting []goFile
	for _, file := range files {
		switch {
		case file.forTests():
			continue
		case file.uses("github.com/lxzan/gws", "NewUpgrader"):
			accepting = append(accepting, file)
		}
		if file.uses("roomlog/internal/wsframe", "Validator") {
			validates[file.dir()] = true
		}
	}
	var faults []fault
	for _, file := range accepting {
		if !validates[file.dir()] {
			faults = append(faults, fault{file.path, "accepts WebSockets: read them through a wsframe.Validator"})
		}
	}
	return faults
}

// looseJSON contains the files of the servers that may decode JSON with encoding/json, with the reason.
var looseJSON = map[string]string{
	"api/openapi/document.go":             "a document that this program has made",
	"api/payment/payment.go":              "checks the members first, because it also refuses unknown members",
	"media/broadcasts/survey.go":          "replies of other nodes",
	"media/record/index.go":               "index files of this program",
	"realtime/chat/typing.go":             "messages of other nodes",
	"realtime/hub/survey.go":              "messages of other nodes",
	"realtime/native/peer.go":             "reads the id of a refused frame",
	"realtime/socketio/accountclient.go":  "a text, not an object",
	"realtime/socketio/exchange.go":       "a text, not an object",
	"realtime/socketio/history.go":        "a text, not an object",
	"realtime/socketio/liveevents.go":     "a text, not an object",
	"realtime/socketio/protocol/event.go": "a list, whose items are checked afterwards",
	"realtime/socketio/request.go":        "a text, not an object",
}

// looseJSONFaults reports files of the servers that decode JSON with encoding/json. That package accepts several
// members with one name and returns the last.
func looseJSONFaults(files []goFile) []fault {
	var faults []fault
	for _, file := range files {
		if file.forTests() || !slices.Contains(servers, file.folder()) || looseJSON[file.path] != "" {
			continue
		}
		ast.Inspect(file.syntax, func(n ast.Node) bool {
			use, ok := n.(*ast.SelectorExpr)
			if !ok || use.Sel.Name != "Unmarshal" && use.Sel.Name != "NewDecoder" {
				return true
			}
			if pkg, ok := use.X.(*ast.Ident); ok && file.imports["encoding/json"] == pkg.Name {
				faults = append(faults, fault{file.path, "decodes with json." + use.Sel.Name + ": use internal/strictjson"})
			}
			return true
		})
	}
	return faults
}

// sizeFaults reports packages with more than maxFiles files.
func sizeFaults(files []goFile) []fault {
	count := map[string]int{}
	for _, file := range files {
		if !file.test() {
			count[file.dir()]++
		}
	}
	var faults []fault
	for dir, n := range count {
		if n > maxFiles {
			faults = append(faults, fault{dir, fmt.Sprintf("has %d files, want at most %d: append to the file of the subject instead", n, maxFiles)})
		}
	}
	return faults
}
