package docs_test

import (
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

// The places in which every code of a refusal needs an entry.
const (
	codesFile    = "domain/refusal.go"
	statusFile   = "api/failure.go"
	meaningsFile = "realtime/native/codes.go"
)

// notNative contains the codes that no request of the native dialect is refused with, with what is refused with them.
var notNative = map[string]string{
	"CodeNameTaken":          "a registration",
	"CodeNoBroadcast":        "streams, which REST calls control",
	"CodeRecordingNotFound":  "recordings, which REST calls control",
	"CodeRecordingRunning":   "recordings, which REST calls control",
	"CodeChatRoomTaken":      "the creation of a chat room, a REST call",
	"CodeUploadQuota":        "an upload, a REST call",
	"CodeEmailInvalid":       "a REST call of the chat",
	"CodeGiftRecordNotFound": "REST calls about a gift that was sent",
	"CodeGiftRefunded":       "the refund of a gift, a REST call",
	"CodeCorrectionNotFound": "corrections, which REST calls of operators decide",
	"CodeCorrectionClosed":   "corrections, which REST calls of operators decide",
	"CodePayoutNotFound":     "payouts, which REST calls of operators control",
	"CodePayoutMismatch":     "payouts, which REST calls of operators control",
	"CodePayoutClosed":       "payouts, which REST calls of operators control",
	"CodeOrderNotFound":      "orders, which REST calls place and pay",
	"CodeOrderMismatch":      "orders, which REST calls place and pay",
	"CodeWebhookNotFound":    "webhooks, which REST calls of operators control",
	"CodeWebhookExists":      "webhooks, which REST calls of operators control",
	"CodeWebhooksTooMany":    "webhooks, which REST calls of operators control",
}

// codeFaults reports codes of refusals without a Chinese text, an HTTP status or a meaning in the native dialect.
func codeFaults(files []goFile) []fault {
	byPath := map[string]goFile{}
	for _, file := range files {
		byPath[file.path] = file
	}
	declared, exists := byPath[codesFile]
	if !exists {
		return nil
	}
	codes := constantsOf(declared, "Code")
	if len(codes) == 0 {
		return []fault{{codesFile, "declares no constant of type Code"}}
	}
	chinese, statuses, meanings := entries(declared, "chinese"), entries(byPath[statusFile], "statuses"), entries(byPath[meaningsFile], "errorCodes")
	var faults []fault
	for _, code := range codes {
		if !chinese[code] {
			faults = append(faults, fault{codesFile, "the map chinese lacks " + code + ": add the text that people see"})
		}
		if !statuses[code] {
			faults = append(faults, fault{statusFile, "the map statuses lacks domain." + code + ": add its HTTP status"})
		}
		switch reason := notNative[code]; {
		case !meanings[code] && reason == "":
			faults = append(faults, fault{meaningsFile, "errorCodes lacks domain." + code + ": add its meaning and run make generate; or add it to notNative in docs/codes_test.go, if no native request is refused with it"})
		case meanings[code] && reason != "":
			faults = append(faults, fault{meaningsFile, "errorCodes contains domain." + code + ": remove it from notNative in docs/codes_test.go"})
		}
	}
	return faults
}

// constantsOf returns the names of the constants of a file that are declared with a type.
func constantsOf(file goFile, typ string) (names []string) {
	for _, declaration := range file.syntax.Decls {
		group, ok := declaration.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			value := spec.(*ast.ValueSpec)
			if named, ok := value.Type.(*ast.Ident); ok && named.Name == typ {
				for _, name := range value.Names {
					names = append(names, name.Name)
				}
			}
		}
	}
	return names
}

// entries returns the codes of package domain that are keys or first elements in a variable or function of a file. It is empty
// if the file does not exist.
func entries(file goFile, name string) map[string]bool {
	found := map[string]bool{}
	if file.syntax == nil {
		return found
	}
	add := func(e ast.Expr) {
		switch e := e.(type) {
		case *ast.Ident:
			if strings.HasPrefix(e.Name, "Code") {
				found[e.Name] = true
			}
		case *ast.SelectorExpr:
			if pkg, ok := e.X.(*ast.Ident); ok && pkg.Name == "domain" {
				found[e.Sel.Name] = true
			}
		}
	}
	collect := func(root ast.Node) {
		ast.Inspect(root, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.KeyValueExpr:
				add(n.Key)
			case *ast.CompositeLit:
				if len(n.Elts) > 0 {
					add(n.Elts[0])
				}
			}
			return true
		})
	}
	for _, declaration := range file.syntax.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			if d.Name.Name == name {
				collect(d)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if value, ok := spec.(*ast.ValueSpec); ok && value.Names[0].Name == name {
					collect(value)
				}
			}
		}
	}
	return found
}

// TestCodesNeedEntries removes each entry of a code from a tree in which nothing is missing.
func TestCodesNeedEntries(t *testing.T) {
	files := map[string]string{
		codesFile:    "package domain\ntype Code string\nconst (\n\tCodeNew Code = \"new\"\n\tCodeNameTaken Code = \"name_taken\"\n)\nvar chinese = map[Code]string{\n\tCodeNameTaken: \"b\",\n\tCodeNew: \"a\",\n}\n",
		statusFile:   "package api\nimport \"roomlog/domain\"\nvar statuses = map[domain.Code]int{\n\tdomain.CodeNameTaken: 409,\n\tdomain.CodeNew: 400,\n}\n",
		meaningsFile: "package native\nimport \"roomlog/domain\"\nfunc errorCodes() []codeDoc {\n\treturn []codeDoc{\n\t\t{domain.CodeNew, \"New.\"},\n\t}\n}\n",
	}
	for _, tt := range []struct{ file, remove, add, want string }{
		{},
		{codesFile, "\tCodeNew: \"a\",\n", "", codesFile + ": the map chinese lacks CodeNew"},
		{statusFile, "\tdomain.CodeNew: 400,\n", "", statusFile + ": the map statuses lacks domain.CodeNew"},
		{meaningsFile, "\t\t{domain.CodeNew, \"New.\"},\n", "", meaningsFile + ": errorCodes lacks domain.CodeNew"},
		{meaningsFile, "New.\"},\n", "New.\"},\n\t\t{domain.CodeNameTaken, \"Taken.\"},\n", meaningsFile + ": errorCodes contains domain.CodeNameTaken"},
		{codesFile, "Code = ", "= ", codesFile + ": declares no constant"},
	} {
		tree := texts(files)
		if tt.file != "" {
			changed := strings.ReplaceAll(files[tt.file], tt.remove, tt.add)
			if changed == files[tt.file] {
				t.Fatalf("%s does not contain %q", tt.file, tt.remove)
			}
			tree[tt.file].Data = []byte(changed)
		}
		var found []string
		for _, f := range codeFaults(goFiles(t, tree)) {
			found = append(found, f.where+": "+f.what)
		}
		switch {
		case tt.want == "" && len(found) > 0:
			t.Errorf("nothing is missing, got %q", found)
		case tt.want != "" && (len(found) != 1 || !strings.HasPrefix(found[0], tt.want)):
			t.Errorf("got %q, want %q", found, tt.want)
		}
	}
}
