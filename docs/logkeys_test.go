package docs_test

import (
	"go/ast"
	"go/token"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var glossaryKey = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|")

// logKeys returns the keys in the table "Log keys" of the glossary.
func logKeys(t *testing.T, tree fs.FS) map[string]bool {
	t.Helper()
	_, section, found := strings.Cut(text(t, tree, "docs/GLOSSARY.md"), "\n## Log keys\n")
	if !found {
		t.Fatal("docs/GLOSSARY.md has no section Log keys")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	keys := map[string]bool{}
	for _, row := range glossaryKey.FindAllStringSubmatch(section, -1) {
		keys[row[1]] = true
	}
	return keys
}

func TestLogKeysAreInTheGlossary(t *testing.T) {
	keys := logKeys(t, source)
	if len(keys) < 10 {
		t.Fatalf("the glossary has %d log keys: check the pattern", len(keys))
	}
	for _, file := range goFiles(t, source) {
		if file.forTests() {
			continue
		}
		for _, problem := range logProblems(file.syntax, keys) {
			t.Errorf("%s: got %s", file.path, problem)
		}
	}
}

// logProblems reports attributes with an unknown key, and messages that are not fixed strings.
func logProblems(file *ast.File, keys map[string]bool) (problems []string) {
	ast.Inspect(file, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr)
		if !ok {
			return true
		}
		selector, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		if pkg, ok := selector.X.(*ast.Ident); ok && pkg.Name == "slog" && len(call.Args) == 2 {
			if key, ok := literal(call.Args[0]); ok && selector.Sel.Name != "New" && !keys[key] {
				problems = append(problems, "log key "+key+" is not in docs/GLOSSARY.md")
			}
		}
		if slices.Contains([]string{"DebugContext", "InfoContext", "WarnContext", "ErrorContext"}, selector.Sel.Name) && len(call.Args) > 1 {
			if _, ok := literal(call.Args[1]); !ok {
				problems = append(problems, "a log message is not a fixed string")
			}
			for _, arg := range call.Args[2:] {
				if key, ok := literal(arg); ok {
					problems = append(problems, "log key "+key+" without slog.String or the like")
				}
			}
		}
		return true
	})
	return problems
}

func literal(e ast.Expr) (string, bool) {
	basic, ok := e.(*ast.BasicLit)
	if !ok || basic.Kind != token.STRING {
		return "", false
	}
	value, err := strconv.Unquote(basic.Value)
	return value, err == nil
}
