package sqltemplate

import (
	"fmt"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
)

// Options are the values of the conditions in a template, by name.
type Options map[string]bool

// A Statement is an SQL statement with optional parts, in the syntax of package text/template. It is safe for concurrent
// use.
type Statement struct {
	template *template.Template
	options  []string
}

// Must returns the statement in text. It panics if text is not a template. A template may use if and else with an
// option, such as {{if .live}}, and parts that it defines: {{define "order"}} and {{template "order" .}}. Must panics
// if text uses anything else.
func Must(text string) Statement {
	s := Statement{template: template.Must(template.New("statement").Parse(text))}
	for _, t := range s.template.Templates() { // the statement, and the parts that it defines
		s.find(t.Root)
	}
	slices.Sort(s.options)
	s.options = slices.Compact(s.options)
	return s
}

// find collects the options in a list of nodes.
func (s *Statement) find(list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.TextNode, *parse.CommentNode, *parse.TemplateNode:
		case *parse.IfNode:
			name, ok := strings.CutPrefix(n.Pipe.String(), ".")
			if !ok || strings.Contains(name, " ") {
				panic(fmt.Sprintf("sqltemplate: {{if %s}} is not a condition with one option", n.Pipe))
			}
			s.options = append(s.options, name)
			s.find(n.List)
			s.find(n.ElseList)
		default:
			panic(fmt.Sprintf("sqltemplate: %s is neither text, nor a condition, nor a part", node))
		}
	}
}

// With returns the statement with these options. Options that are not given are false. It panics if the template does not
// have one of the options.
func (s Statement) With(options Options) string {
	for name := range options {
		if !slices.Contains(s.options, name) {
			panic(fmt.Sprintf("sqltemplate: the template has no option %q", name))
		}
	}
	var b strings.Builder
	if err := s.template.Execute(&b, options); err != nil {
		panic("sqltemplate: " + err.Error()) // cannot happen: a condition is a key of a map
	}
	return b.String()
}

// All returns all statements that With can return.
func (s Statement) All() []string {
	var all []string
	for set := range 1 << len(s.options) {
		options := make(Options, len(s.options))
		for i, name := range s.options {
			options[name] = set>>i&1 == 1
		}
		all = append(all, s.With(options))
	}
	slices.Sort(all)
	return slices.Compact(all)
}
