package docs_test

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strings"
)

const (
	module      = "roomlog"
	pgtestDir   = "eventstore/pgtest"
	peertestDir = "peertest"
)

// mayImport is the import table: which folders of ours a folder's code may use beside itself.
var mayImport = map[string][]string{
	"domain":      {},
	"migrations":  {},
	"docs":        {},
	"peertest":    {},
	"internal":    {},
	"eventstore":  {"internal", "domain", "migrations"},
	"projections": {"internal", "domain", "eventstore"},
	"api":         {"internal", "domain", "eventstore", "projections"},
	"realtime":    {"internal", "domain", "eventstore", "projections"},
	"media":       {"internal", "domain", "eventstore", "projections"},
	"cmd":         {"internal", "domain", "migrations", "eventstore", "projections", "api", "realtime", "media", "docs"},
}

// doors never know of each other, not even in their tests: what one needs of another it
// declares, and cmd wires it.
var doors = []string{"api", "realtime", "media"}

// domainUses is all that the rules may use: no I/O, no clock, no randomness. The package time
// is there for its types; reading the clock is a fault of its own.
var domainUses = []string{"cmp", "encoding/json", "errors", "fmt", "maps", "math", "slices",
	"strconv", "strings", "time", "unicode", "unicode/utf8"}

func importFaults(files []goFile) []fault {
	var faults []fault
	for _, file := range files {
		folder := file.folder()
		if _, known := mayImport[folder]; !known {
			faults = append(faults, fault{file.path, "folder " + folder + " has no line in the import table"})
			continue
		}
		for imported := range file.imports {
			if why := importFault(file, folder, imported); why != "" {
				faults = append(faults, fault{file.path, why})
			}
		}
	}
	return faults
}

// onlyForTests are the folders whose code is only ever part of a test.
func onlyForTests(dir string) bool {
	return dir == pgtestDir || dir == peertestDir || dir == "realtime/ws/wstest"
}

func importFault(file goFile, folder, imported string) string {
	inside, ours := strings.CutPrefix(imported, module+"/")
	if !ours {
		if folder == "domain" && !file.test() && !slices.Contains(domainUses, imported) {
			return "domain may not use " + imported
		}
		return ""
	}
	target := topFolder(inside + "/")
	switch {
	case slices.Contains(doors, folder) && slices.Contains(doors, target) && folder != target:
		return fmt.Sprintf("door %s imports door %s", folder, target)
	case file.forTests():
		return ""
	case onlyForTests(inside):
		return "only tests may import " + inside
	case folder != target && !slices.Contains(mayImport[folder], target):
		return fmt.Sprintf("%s may not import %s", folder, target)
	}
	return ""
}

// docFaults: a package says in its doc.go what it is for.
func docFaults(files []goFile) []fault {
	packages := map[string]string{} // folder → name
	said := map[string]bool{}
	for _, file := range files {
		if file.test() {
			continue
		}
		name := file.syntax.Name.Name
		packages[file.dir()] = name
		opening := "Package " + name + " "
		if name == "main" {
			opening = "Command " + path.Base(file.dir()) + " "
		}
		if path.Base(file.path) == "doc.go" && strings.HasPrefix(file.syntax.Doc.Text(), opening) {
			said[file.dir()] = true
		}
	}
	var faults []fault
	for dir, name := range packages {
		if !said[dir] {
			faults = append(faults, fault{dir, "package " + name + " has no doc.go that begins by naming it"})
		}
	}
	return faults
}

// clockFaults: time.Now is for cmd and tests; everybody else is given a clock.
func clockFaults(files []goFile) []fault {
	var faults []fault
	for _, file := range files {
		local, imports := file.imports["time"]
		if !imports || file.forTests() || file.folder() == "cmd" {
			continue
		}
		if local == "." {
			faults = append(faults, fault{file.path, "imports time by a dot"})
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

// initFaults: nothing happens by being imported, but for pgtest, which says why.
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
