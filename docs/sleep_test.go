package docs_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
)

// timeComment begins the comment of a line on which a test waits for time, or checks it, because time is what it tests.
// The comment says why a slow machine does not fail the test.
const timeComment = "// time passes: "

// sleepFaults reports tests that wait for time instead of an event, a position or a condition, and tests that compare a
// measured time. A loop that polls a condition may pause. A benchmark may wait to send at a certain rate. Other lines need a
// timeComment.
func sleepFaults(files []goFile) []fault {
	var faults []fault
	for _, file := range files {
		local, imports := file.imports["time"]
		if !imports || !file.forTests() || strings.HasSuffix(file.path, "bench_test.go") {
			continue
		}
		w := timeWaits{local: local, measured: map[string]bool{}}
		w.find(file.syntax, false)
		for _, at := range w.found {
			if line := file.line(at.pos); !file.commented(line, timeComment) {
				faults = append(faults, fault{fmt.Sprintf("%s:%d", file.path, line), at.text + ": wait for an event or a condition, or explain it with " + timeComment})
			}
		}
	}
	return faults
}

// timeWaits collects the places of a file that wait for time or compare a measured time.
type timeWaits struct {
	local    string          // name of package time in the file
	measured map[string]bool // variables that contain a measured time
	found    []timeWait
}

type timeWait struct {
	pos  token.Pos
	text string
}

// find searches a node. polling reports whether the node is in a loop that polls a condition.
func (w *timeWaits) find(root ast.Node, polling bool) {
	ast.Inspect(root, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.ForStmt:
			if n != root {
				w.find(n, polls(n))
				return false
			}
		case *ast.RangeStmt, *ast.FuncLit, *ast.FuncDecl:
			if n != root {
				w.find(n, false)
				return false
			}
		case *ast.CommClause: // a select also waits for something else
			for _, statement := range n.Body {
				w.find(statement, polling)
			}
			return false
		case *ast.AssignStmt:
			if len(n.Lhs) == 1 && len(n.Rhs) == 1 && w.calls(n.Rhs[0], "Since") {
				if name, ok := n.Lhs[0].(*ast.Ident); ok {
					w.measured[name.Name] = true
				}
			}
		case *ast.CallExpr:
			if w.calls(n, "Sleep") {
				w.add(n.Pos(), "time.Sleep")
			}
		case *ast.UnaryExpr:
			if n.Op == token.ARROW && w.calls(n.X, "After") && !polling {
				w.add(n.Pos(), "<-time.After")
			}
		case *ast.BinaryExpr:
			switch n.Op {
			case token.LSS, token.LEQ, token.GTR, token.GEQ:
				if w.measures(n.X) || w.measures(n.Y) {
					w.add(n.Pos(), "compares a measured time")
				}
			}
		}
		return true
	})
}

func (w *timeWaits) add(pos token.Pos, text string) { w.found = append(w.found, timeWait{pos, text}) }

// polls reports whether a loop has a condition, or a statement that ends it.
func polls(loop *ast.ForStmt) bool {
	ends := loop.Cond != nil
	ast.Inspect(loop.Body, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			ends = true
		case *ast.BranchStmt:
			ends = ends || n.Tok == token.BREAK
		}
		return true
	})
	return ends
}

// measures reports whether an expression contains a measured time.
func (w *timeWaits) measures(e ast.Expr) (yes bool) {
	ast.Inspect(e, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.CallExpr:
			yes = yes || w.calls(n, "Since")
		case *ast.Ident:
			yes = yes || w.measured[n.Name]
		}
		return true
	})
	return yes
}

// calls reports whether an expression calls a function of package time.
func (w *timeWaits) calls(e ast.Expr, name string) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != name {
		return false
	}
	pkg, ok := selector.X.(*ast.Ident)
	return ok && pkg.Name == w.local
}
