package docs_test

import (
	"go/ast"
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

var (
	namedTest = regexp.MustCompile("`(Test[A-Z]\\w*)`")
	namedFile = regexp.MustCompile("`([a-z]+(?:/[a-z_]+)+\\.go)`")
)

// TestDocumentsNameExistingTestsAndFiles checks that the tests and files that documents name exist.
func TestDocumentsNameExistingTestsAndFiles(t *testing.T) {
	tests := map[string]bool{}
	for _, file := range goFiles(t, source) {
		for _, declaration := range file.syntax.Decls {
			if f, ok := declaration.(*ast.FuncDecl); ok && file.test() && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				tests[f.Name.Name] = true
			}
		}
	}
	for _, name := range []string{"README.md", "docs/ARCHITECTURE.md", "docs/PROMISES.md"} {
		page := text(t, source, name)
		for _, found := range namedTest.FindAllStringSubmatch(page, -1) {
			if !tests[found[1]] {
				t.Errorf("%s: %s does not exist", name, found[1])
			}
		}
		files := namedFile.FindAllStringSubmatch(page, -1)
		if len(files) == 0 {
			t.Errorf("%s names no file: check the pattern", name)
		}
		for _, found := range files {
			if _, err := fs.Stat(source, found[1]); err != nil {
				t.Errorf("%s: %s does not exist", name, found[1])
			}
		}
	}
}
