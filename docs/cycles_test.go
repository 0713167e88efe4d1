package docs_test

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
)

// TestFilesOfAPackageHaveNoCycles fails if files of a package refer to each other in a cycle. A file refers to another
// file by using a name that the other file declares. The test does not load the types of other packages, so it misses
// references through them.
func TestFilesOfAPackageHaveNoCycles(t *testing.T) {
	packages := map[string][]string{} // folder → files
	walk(t, source, func(name string) {
		if path.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go") {
			packages[path.Dir(name)] = append(packages[path.Dir(name)], name)
		}
	})
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		for _, cycle := range fileCycles(t, dir, packages[dir]) {
			t.Errorf("%s: %d files refer to each other: %s", dir, len(cycle), strings.Join(cycle, " "))
		}
	}
}

// fileCycles returns the groups of files that refer to each other in a cycle.
func fileCycles(t *testing.T, dir string, names []string) [][]string {
	t.Helper()
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		file, err := parser.ParseFile(fset, "../"+name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{}}
	config := types.Config{Importer: emptyImporter{}, Error: func(error) {}, FakeImportC: true}
	pkg, _ := config.Check(dir, fset, files, info) // errors about other packages are expected
	arrows := map[string]map[string]bool{}
	for use, object := range info.Uses {
		if object.Pkg() != pkg || object.Parent() != nil && object.Parent() != pkg.Scope() {
			continue
		}
		from, to := path.Base(fset.File(use.Pos()).Name()), fset.File(object.Pos())
		if to == nil || path.Base(to.Name()) == from {
			continue
		}
		if arrows[from] == nil {
			arrows[from] = map[string]bool{}
		}
		arrows[from][path.Base(to.Name())] = true
	}
	return components(arrows)
}

// emptyImporter resolves every import to an empty package.
type emptyImporter struct{}

func (emptyImporter) Import(name string) (*types.Package, error) {
	pkg := types.NewPackage(name, path.Base(name))
	pkg.MarkComplete()
	return pkg, nil
}

// components returns the strongly connected components with more than one node.
func components(arrows map[string]map[string]bool) [][]string {
	reach := map[string]map[string]bool{}
	var visit func(from, at string)
	visit = func(from, at string) {
		for to := range arrows[at] {
			if !reach[from][to] {
				reach[from][to] = true
				visit(from, to)
			}
		}
	}
	for node := range arrows {
		reach[node] = map[string]bool{}
		visit(node, node)
	}
	seen := map[string]bool{}
	var found [][]string
	for _, node := range slices.Sorted(maps.Keys(reach)) {
		if seen[node] || !reach[node][node] {
			continue
		}
		var group []string
		for other := range reach[node] {
			if reach[other][node] {
				group, seen[other] = append(group, other), true
			}
		}
		slices.Sort(group)
		found = append(found, group)
	}
	slices.SortFunc(found, func(a, b []string) int { return cmp.Compare(len(b), len(a)) })
	return found
}
