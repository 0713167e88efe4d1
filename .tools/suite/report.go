package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// event is one line of go test -json.
type event struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64 // seconds of a test or package that has ended
}

// report collects the events of a run and prints the same output as go test without -v.
type report struct {
	out      io.Writer
	packages int
	tests    int                         // number of finished tests, including subtests
	seconds  map[string]float64          // duration by package
	skipped  map[string]int              // number of tests by reason
	failures []string                    // failures in the order in which the tests ended
	output   map[string]map[string]*node // output by package and top-level test
}

// node is the output of a top-level test and its subtests.
type node struct {
	lines  []event
	failed map[string]bool
}

func newReport(out io.Writer) *report {
	return &report{out: out, seconds: map[string]float64{}, skipped: map[string]int{}, output: map[string]map[string]*node{}}
}

// line handles one line of go test -json. It prints lines that are not events.
func (r *report) line(text []byte) {
	var e event
	if err := json.Unmarshal(text, &e); err != nil || e.Action == "" {
		fmt.Fprintf(r.out, "%s\n", text)
		return
	}
	switch {
	case e.Action == "build-output":
		fmt.Fprint(r.out, e.Output)
	case e.Action == "build-fail":
		r.failures = append(r.failures, e.ImportPath+" (does not build)")
	case e.Test == "":
		r.packageEvent(e)
	default:
		r.testEvent(e)
	}
}

func (r *report) packageEvent(e event) {
	switch e.Action {
	case "output":
		if !noise.MatchString(e.Output) && e.Output != "PASS\n" {
			fmt.Fprint(r.out, e.Output)
		}
	case "pass", "skip":
		r.packages++
	case "fail":
		r.packages++
		before := len(r.failures)
		for _, root := range slices.Sorted(maps.Keys(r.output[e.Package])) { // These tests did not end because of a panic or a timeout.
			r.failures = append(r.failures, short(e.Package)+" "+root+" (did not end)")
			r.print(r.output[e.Package][root], true)
		}
		named := slices.ContainsFunc(r.failures, func(f string) bool {
			return strings.HasPrefix(f, short(e.Package)+" ") || strings.HasPrefix(f, e.Package)
		})
		if before == len(r.failures) && !named {
			r.failures = append(r.failures, short(e.Package))
		}
	}
	if e.Action == "pass" || e.Action == "skip" || e.Action == "fail" {
		r.seconds[e.Package] = e.Elapsed
		delete(r.output, e.Package)
	}
}

func (r *report) testEvent(e event) {
	root, _, _ := strings.Cut(e.Test, "/")
	tests := r.output[e.Package]
	if tests == nil {
		tests = map[string]*node{}
		r.output[e.Package] = tests
	}
	n := tests[root]
	if n == nil {
		n = &node{failed: map[string]bool{}}
		tests[root] = n
	}
	switch e.Action {
	case "output":
		if !noise.MatchString(e.Output) {
			n.lines = append(n.lines, e)
		}
		return
	case "pass":
		r.tests++
	case "skip":
		r.tests++
		r.skipped[reason(n.lines, e.Test)]++
	case "fail":
		r.tests++
		n.failed[e.Test] = true
		if !slices.ContainsFunc(slices.Collect(maps.Keys(n.failed)), func(t string) bool { return strings.HasPrefix(t, e.Test+"/") }) {
			r.failures = append(r.failures, short(e.Package)+" "+e.Test) // Only the innermost tests are reported.
		}
	default:
		return
	}
	if e.Test == root {
		if e.Action == "fail" {
			r.print(n, false)
		}
		delete(tests, root)
	}
}

// print prints the output of the failed tests of a node, or all output if all is true.
func (r *report) print(n *node, all bool) {
	for _, e := range n.lines {
		if all || n.failed[e.Test] {
			fmt.Fprint(r.out, e.Output)
		}
	}
}

var (
	noise    = regexp.MustCompile(`^\s*=== (RUN|PAUSE|CONT|NAME) `)
	position = regexp.MustCompile(`^\s*[\w.-]+\.go:\d+: `)
)

// reason returns the reason why a test was skipped: the last line in its log.
func reason(lines []event, test string) string {
	for _, e := range slices.Backward(lines) {
		if e.Test == test && position.MatchString(e.Output) {
			return strings.TrimSpace(position.ReplaceAllString(e.Output, ""))
		}
	}
	return "no reason given"
}

func short(pkg string) string { return strings.TrimPrefix(pkg, "roomlog/") }

const (
	shown   = 5  // maximum number of failures, reasons and packages in the summary
	notable = 10 // minimum duration of a package in the summary, in seconds
)

// summary prints the five lines of the summary and returns the exit code.
func (r *report) summary(checks []string, left string, took time.Duration, passed bool) int {
	for _, check := range checks {
		passed = passed && !failed(check)
	}
	passed = passed && len(r.failures) == 0
	result := "PASS"
	if !passed {
		result = "FAIL"
	}
	fmt.Fprintln(r.out)
	fmt.Fprintln(r.out, "checks: ", cmp.Or(strings.Join(checks, ", "), "none"))
	fmt.Fprintf(r.out, "ran:      %d tests of %d packages in %s%s\n", r.tests, r.packages, took.Round(time.Second), r.longest())
	fmt.Fprintln(r.out, "skipped: ", r.skips(left))
	fmt.Fprintln(r.out, "failed:  ", r.fails())
	fmt.Fprintln(r.out, "result:  ", result)
	if passed {
		return 0
	}
	return 1
}

// longest returns the packages whose tests took longest.
func (r *report) longest() string {
	packages := slices.SortedFunc(maps.Keys(r.seconds), func(a, b string) int {
		return cmp.Or(cmp.Compare(r.seconds[b], r.seconds[a]), cmp.Compare(a, b))
	})
	var parts []string
	for _, pkg := range packages[:min(shown, len(packages))] {
		if r.seconds[pkg] >= notable {
			parts = append(parts, fmt.Sprintf("%s %.0fs", short(pkg), r.seconds[pkg]))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "; longest: " + strings.Join(parts, ", ")
}

func (r *report) skips(left string) string {
	var parts []string
	reasons := slices.SortedFunc(maps.Keys(r.skipped), func(a, b string) int {
		return cmp.Or(cmp.Compare(r.skipped[b], r.skipped[a]), cmp.Compare(a, b))
	})
	for _, reason := range reasons {
		parts = append(parts, fmt.Sprintf("%d tests (%s)", r.skipped[reason], reason))
	}
	if left != "" {
		parts = append(parts, left+" (ROOMLOG_SKIP)")
	}
	return cmp.Or(list(parts, "; "), "none")
}

func (r *report) fails() string {
	if len(r.failures) == 0 {
		return "none"
	}
	return fmt.Sprintf("%d: %s", len(r.failures), list(r.failures, ", "))
}

// list joins the first items and appends the number of the other items.
func list(items []string, separator string) string {
	if len(items) > shown {
		return strings.Join(items[:shown], separator) + fmt.Sprintf(" and %d more", len(items)-shown)
	}
	return strings.Join(items, separator)
}
