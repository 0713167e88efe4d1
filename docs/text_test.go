package docs_test

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	decisionsDir = "docs/decisions"
	libraries    = decisionsDir + "/006-libraries.md"
)

var (
	codeBlock      = regexp.MustCompile("(?ms)^```.*?^```|`[^`\n]*`")
	link           = regexp.MustCompile(`\]\(([^)\s]+)[^)]*\)`)
	elsewhere      = regexp.MustCompile(`^([a-z]+:|#)`)
	decisionName   = regexp.MustCompile(`^(\d{3})-[a-z0-9]+(-[a-z0-9]+)*\.md$`)
	decisionStatus = regexp.MustCompile(`(?m)^Status: (proposed|accepted|superseded by )`)
	required       = regexp.MustCompile(`(?m)^(?:require )?\s*(\S+\.\S+) v\S+(.*)$`)
	heading        = regexp.MustCompile(`(?m)^## (.+)$`)
)

// libraryFaults reports direct dependencies for which the decision about libraries gives no reason.
func libraryFaults(t *testing.T, tree fs.FS) []fault {
	t.Helper()
	reasons := text(t, tree, libraries)
	var faults []fault
	for _, found := range required.FindAllStringSubmatch(text(t, tree, "go.mod"), -1) {
		library, comment := found[1], found[2]
		if !strings.Contains(comment, "indirect") && !strings.Contains(reasons, "`"+library+"`") {
			faults = append(faults, fault{"go.mod", library + " has no line in " + libraries})
		}
	}
	return faults
}

// linkFaults reports links to files that do not exist.
func linkFaults(t *testing.T, tree fs.FS) []fault {
	t.Helper()
	var faults []fault
	for _, name := range markdown(t, tree) {
		for _, found := range link.FindAllStringSubmatch(prose(t, tree, name), -1) {
			if elsewhere.MatchString(found[1]) {
				continue
			}
			file, _, _ := strings.Cut(found[1], "#")
			if _, err := fs.Stat(tree, path.Join(path.Dir(name), file)); err != nil {
				faults = append(faults, fault{name, "links to " + found[1] + ", which does not exist"})
			}
		}
	}
	return faults
}

// prose returns a document without its code.
func prose(t *testing.T, tree fs.FS, name string) string {
	t.Helper()
	return codeBlock.ReplaceAllString(text(t, tree, name), "")
}

func text(t *testing.T, tree fs.FS, name string) string {
	t.Helper()
	bytes, err := fs.ReadFile(tree, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes)
}

// decisionFaults reports decisions with a duplicate number, without a status, or without the three headings.
func decisionFaults(t *testing.T, tree fs.FS) []fault {
	t.Helper()
	entries, err := fs.ReadDir(tree, decisionsDir)
	if err != nil {
		t.Fatal(err)
	}
	var faults []fault
	taken := map[string]bool{}
	for _, entry := range entries { // sorted by name
		name := decisionsDir + "/" + entry.Name()
		number := decisionName.FindStringSubmatch(entry.Name())
		if number == nil {
			faults = append(faults, fault{name, "is not named NNN-title.md"})
			continue
		}
		if taken[number[1]] {
			faults = append(faults, fault{name, "has the number of another decision"})
		}
		taken[number[1]] = true
		var headings []string
		for _, found := range heading.FindAllStringSubmatch(prose(t, tree, name), -1) {
			headings = append(headings, found[1])
		}
		if !slices.Equal(headings, []string{"Context", "Decision", "Consequences"}) {
			faults = append(faults, fault{name, fmt.Sprintf("has the headings %q, want Context, Decision, Consequences", headings)})
		}
		if !decisionStatus.MatchString(prose(t, tree, name)) {
			faults = append(faults, fault{name, "has no line \"Status: proposed|accepted|superseded by …\""})
		}
	}
	return faults
}
