package docgen

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// source contains the comments of package domain, and facts that only its source code contains.
type source struct {
	types    map[string]string            // Go name of a type → comment of the type
	fields   map[string]map[string]string // Go name of a type → field → comment of the field, "" if there is none
	values   map[string][]value           // Go name of a type → the constants of that type, in order
	places   map[string]string            // name of a type or constant → file:line
	mentions map[string]map[string]bool   // name of a function or command → names that occur in its body or decision
	literals map[string]map[string]bool   // name of a function or command → texts that occur in it
}

// value is one constant of an enumeration.
type value struct {
	name    string
	json    string // value of the constant, encoded as in payloads
	meaning string // comment of the constant; "" if there is none
}

// readSource parses the Go files of dir in tree.
func readSource(tree fs.FS, dir string) (*source, error) {
	files, err := fs.Glob(tree, path.Join(dir, "*.go"))
	if err == nil && len(files) == 0 {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w (the documents are made inside the source tree)", dir, err)
	}
	s := &source{
		types: map[string]string{}, fields: map[string]map[string]string{},
		values: map[string][]value{}, mentions: map[string]map[string]bool{},
		places: map[string]string{}, literals: map[string]map[string]bool{},
	}
	positions := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		file, err := parser.ParseFile(positions, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("parse: %w", err)
		}
		for _, d := range file.Decls {
			s.declaration(d)
		}
		s.locate(positions, file)
	}
	return s, nil
}

// locate records the files and lines of the types and constants of a file.
func (s *source) locate(positions *token.FileSet, file *ast.File) {
	for _, d := range file.Decls {
		d, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				s.places[spec.Name.Name] = place(positions, spec)
			case *ast.ValueSpec:
				s.places[spec.Names[0].Name] = place(positions, spec)
			}
		}
	}
}

func place(positions *token.FileSet, node ast.Node) string {
	at := positions.Position(node.Pos())
	return fmt.Sprintf("%s:%d", at.Filename, at.Line)
}

func (s *source) declaration(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		s.function(d)
	case *ast.GenDecl:
		switch d.Tok {
		case token.TYPE:
			for _, spec := range d.Specs {
				s.typeSpec(d, spec.(*ast.TypeSpec))
			}
		case token.CONST:
			s.constants(d)
		}
	}
}

func (s *source) typeSpec(d *ast.GenDecl, spec *ast.TypeSpec) {
	doc := comment(spec.Doc, spec.Comment)
	if doc == "" && !d.Lparen.IsValid() {
		doc = comment(d.Doc)
	}
	s.types[spec.Name.Name] = doc
	shape, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	fields := map[string]string{}
	for _, f := range shape.Fields.List {
		for _, name := range f.Names {
			fields[name.Name] = comment(f.Doc, f.Comment)
		}
	}
	s.fields[spec.Name.Name] = fields
}

// constants collects the constants of exported enumerations: strings, and integers that start at 0.
func (s *source) constants(d *ast.GenDecl) {
	var kind string
	var counting bool
	for i, spec := range d.Specs {
		spec := spec.(*ast.ValueSpec)
		if named, ok := spec.Type.(*ast.Ident); ok {
			kind = named.Name
		}
		var json string
		if len(spec.Values) == 1 {
			switch v := spec.Values[0].(type) {
			case *ast.BasicLit:
				json = v.Value
			case *ast.Ident:
				counting = v.Name == "iota"
			}
		}
		if counting {
			json = strconv.Itoa(i)
		}
		if kind != "" && json != "" && spec.Names[0].IsExported() {
			s.values[kind] = append(s.values[kind], value{spec.Names[0].Name, json, comment(spec.Doc, spec.Comment)})
		}
	}
}

func (s *source) function(d *ast.FuncDecl) {
	name := d.Name.Name
	if name == "decide" {
		name = receiver(d)
	}
	if s.mentions[name] == nil {
		s.mentions[name], s.literals[name] = map[string]bool{}, map[string]bool{}
	}
	ast.Inspect(d.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			s.mentions[name][n.Name] = true
		case *ast.BasicLit:
			s.literals[name][strings.Trim(n.Value, `"`)] = true
		}
		return true
	})
}

func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	if named, ok := d.Recv.List[0].Type.(*ast.Ident); ok {
		return named.Name
	}
	return ""
}

// reaches returns every name that occurs in the decision of a command and in the functions that the decision calls.
func (s *source) reaches(command string) []string {
	seen := map[string]bool{}
	var visit func(string)
	visit = func(name string) {
		for mentioned := range s.mentions[name] {
			if !seen[mentioned] {
				seen[mentioned] = true
				visit(mentioned)
			}
		}
	}
	visit(command)
	return slices.Sorted(maps.Keys(seen))
}

// sentence returns the comment of a type without the name of the type: "Sends gifts …" for "SendGift sends gifts …".
func (s *source) sentence(typ string) (string, error) {
	explanation, ok := strings.CutPrefix(s.types[typ], typ+" ")
	if !ok {
		return "", fmt.Errorf("%s: type %s has no doc comment: write one that begins with %q", s.places[typ], typ, typ)
	}
	return upper(explanation), nil
}

// meaning returns the comment of a field.
func (s *source) meaning(owner, field string) (string, error) {
	explanation := s.fields[owner][field]
	if explanation == "" {
		return "", fmt.Errorf("%s: field %s of %s has no comment: write one that says what the field contains, with its unit",
			s.places[owner], field, owner)
	}
	return strings.TrimSuffix(explanation, "."), nil
}

// comment returns the first comment that is not empty, as one line.
func comment(groups ...*ast.CommentGroup) string {
	for _, g := range groups {
		if text := strings.Join(strings.Fields(g.Text()), " "); text != "" {
			return text
		}
	}
	return ""
}

func upper(s string) string {
	for i, r := range s {
		return string(unicode.ToUpper(r)) + s[i+len(string(r)):]
	}
	return s
}

// words returns the name of a constant without the name of its type, as words: "on air" for StatusOnAir of type Status.
func words(constant, typ string) string {
	var b strings.Builder
	for i, r := range strings.TrimPrefix(constant, typ) {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
