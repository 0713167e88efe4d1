package docs_test

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// goFile is one parsed Go file of the module.
type goFile struct {
	path    string // path with slashes, relative to the root of the module
	syntax  *ast.File
	set     *token.FileSet
	imports map[string]string // import path → name of the import in this file
}

func (f goFile) dir() string { return path.Dir(f.path) }

// folder returns the top-level folder of the file.
func (f goFile) folder() string { return topFolder(f.path) }

func (f goFile) test() bool { return strings.HasSuffix(f.path, "_test.go") }

// forTests reports whether only tests use the file.
func (f goFile) forTests() bool { return f.test() || within(f.dir(), testFolders...) }

// uses reports whether the file uses a name of an imported package.
func (f goFile) uses(imported, name string) (yes bool) {
	local, imports := f.imports[imported]
	if !imports {
		return false
	}
	ast.Inspect(f.syntax, func(node ast.Node) bool {
		if selector, ok := node.(*ast.SelectorExpr); ok && selector.Sel.Name == name {
			pkg, ok := selector.X.(*ast.Ident)
			yes = yes || ok && pkg.Name == local
		}
		return true
	})
	return yes
}

// line returns the number of a line.
func (f goFile) line(at token.Pos) int { return f.set.Position(at).Line }

// commented reports whether a line ends with a comment that begins with prefix.
func (f goFile) commented(line int, prefix string) bool {
	return slices.ContainsFunc(f.syntax.Comments, func(group *ast.CommentGroup) bool {
		return f.line(group.Pos()) == line && strings.HasPrefix(group.List[0].Text, prefix)
	})
}

func topFolder(name string) string {
	folder, _, found := strings.Cut(name, "/")
	if !found {
		return "."
	}
	return folder
}

// source is the source tree of the module.
var source = os.DirFS("..")

// sourceFiles parses the Go files of source once for all tests, which only read them.
var sourceFiles = sync.OnceValues(func() ([]goFile, error) { return parseAll(source) })

// goFiles returns the parsed Go files of a source tree. It skips hidden folders, testdata and nested modules.
func goFiles(t *testing.T, tree fs.FS) []goFile {
	t.Helper()
	read := sourceFiles
	if tree != source {
		read = func() ([]goFile, error) { return parseAll(tree) }
	}
	files, err := read()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func parseAll(tree fs.FS) (files []goFile, err error) {
	err = visitFiles(tree, func(name string) error {
		if path.Ext(name) != ".go" {
			return nil
		}
		file, err := parse(tree, name)
		files = append(files, file)
		return err
	})
	return files, err
}

func parse(tree fs.FS, name string) (goFile, error) {
	src, err := fs.ReadFile(tree, name)
	if err != nil {
		return goFile{}, err
	}
	set := token.NewFileSet()
	syntax, err := parser.ParseFile(set, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return goFile{}, err
	}
	file := goFile{path: name, syntax: syntax, set: set, imports: map[string]string{}}
	for _, spec := range syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return goFile{}, err
		}
		local := path.Base(imported)
		if spec.Name != nil {
			local = spec.Name.Name
		}
		file.imports[imported] = local
	}
	return file, nil
}

// markdown returns the paths of all documents in the tree.
func markdown(t *testing.T, tree fs.FS) []string {
	t.Helper()
	var names []string
	walk(t, tree, func(name string) {
		if path.Ext(name) == ".md" {
			names = append(names, name)
		}
	})
	return names
}

func walk(t *testing.T, tree fs.FS, visit func(name string)) {
	t.Helper()
	err := visitFiles(tree, func(name string) error {
		visit(name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// visitFiles calls visit for every file to which the rules apply.
func visitFiles(tree fs.FS, visit func(name string) error) error {
	return fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !entry.IsDir():
			return visit(name)
		case name != "." && foreign(tree, name, entry.Name()):
			return fs.SkipDir
		}
		return nil
	})
}

// foreign reports whether the rules do not apply to a folder.
func foreign(tree fs.FS, dir, base string) bool {
	switch {
	case strings.HasPrefix(base, "."), base == "testdata", base == "node_modules", dir == "bin", dir == "data":
		return true
	}
	_, err := fs.Stat(tree, dir+"/go.mod")
	return err == nil
}

// fault is one violation of a rule.
type fault struct{ where, what string }

func byPlace(a, b fault) int {
	return cmp.Or(cmp.Compare(a.where, b.where), cmp.Compare(a.what, b.what))
}
