package docs_test

import (
	"go/ast"
	"go/token"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

var defaultName = regexp.MustCompile(`^[dD]efault([A-Z]\w*)$`)

// defaultFaults reports defaults that repeat the tag of their field: a constant DefaultX for a field X, cmp.Or(c.X, …),
// or an assignment to c.X if it is zero.
func defaultFaults(files []goFile) []fault {
	byFolder := map[string]map[string]bool{} // folder → names of the tagged fields
	for _, file := range files {
		ast.Inspect(file.syntax, func(node ast.Node) bool {
			if field, ok := node.(*ast.Field); ok && !file.test() && hasDefault(field) {
				if byFolder[file.dir()] == nil {
					byFolder[file.dir()] = map[string]bool{}
				}
				for _, name := range field.Names {
					byFolder[file.dir()][name.Name] = true
				}
			}
			return true
		})
	}
	var faults []fault
	for _, file := range files {
		if file.forTests() {
			continue
		}
		tagged := byFolder[file.dir()]
		report := func(what string) { faults = append(faults, fault{file.path, what}) }
		ast.Inspect(file.syntax, func(node ast.Node) bool {
			switch n := node.(type) {
			case *ast.ValueSpec:
				for _, name := range n.Names {
					if found := defaultName.FindStringSubmatch(name.Name); found != nil && tagged[found[1]] {
						report(name.Name + " repeats the default tag of " + found[1])
					}
				}
			case *ast.CallExpr:
				if selector, ok := n.Fun.(*ast.SelectorExpr); ok && len(n.Args) == 2 && isName(selector.X, "cmp") && selector.Sel.Name == "Or" {
					if field := configField(n.Args[0], tagged); field != "" {
						report("cmp.Or repeats the default tag of " + field)
					}
				}
			case *ast.IfStmt:
				if field := zeroCheck(n, tagged); field != "" {
					report("an assignment repeats the default tag of " + field)
				}
			}
			return true
		})
	}
	return faults
}

func hasDefault(field *ast.Field) bool {
	if field.Tag == nil {
		return false
	}
	text, err := strconv.Unquote(field.Tag.Value)
	tag := reflect.StructTag(text)
	_, found := tag.Lookup("default")
	query := tag.Get("query") != "" || tag.Get("json") != "" || tag.Get("doc") != "" // the field is a parameter of the REST API
	return err == nil && found && !query
}

func isName(e ast.Expr, name string) bool {
	identifier, ok := e.(*ast.Ident)
	return ok && identifier.Name == name
}

// configField returns the name of the tagged field that e selects from a variable c, cfg or config. It returns "" for
// other expressions.
func configField(e ast.Expr, tagged map[string]bool) string {
	selector, ok := e.(*ast.SelectorExpr)
	if !ok || !tagged[selector.Sel.Name] {
		return ""
	}
	if from, ok := selector.X.(*ast.Ident); ok && strings.HasPrefix(strings.ToLower(from.Name), "c") {
		return selector.Sel.Name
	}
	return ""
}

// zeroCheck returns X for a statement "if c.X == 0 { c.X = … }", and "" for other statements.
func zeroCheck(n *ast.IfStmt, tagged map[string]bool) string {
	compare, ok := n.Cond.(*ast.BinaryExpr)
	if !ok || compare.Op != token.EQL || isName(compare.Y, "nil") || len(n.Body.List) != 1 {
		return ""
	}
	assign, ok := n.Body.List[0].(*ast.AssignStmt)
	if !ok || len(assign.Lhs) != 1 {
		return ""
	}
	field := configField(compare.X, tagged)
	if field != "" && configField(assign.Lhs[0], tagged) == field {
		return field
	}
	return ""
}
