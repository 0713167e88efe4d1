package docgen_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/format"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	maxFilesOfAnEvent  = 8 // maximum number of files that an event changes, with its command, its push, a test and the generated files
	maxProductionFiles = 4
)

// edit is one edit of a file in the worked example.
type edit struct {
	file  string
	after string // part of the line after which the text is added; "" for the end of the file
	text  string
}

// failing is the output that the page promises if a step is missing.
type failing struct {
	file    string // the file whose edits are missing
	command string
	lines   string // the lines that the command prints
}

// example is the worked example of docs/CONTRIBUTING.md.
type example struct {
	edits    []edit
	commands []string
	failures []failing
}

var (
	exampleBlock = regexp.MustCompile("(?ms)^([^\n]+:)\n\n```(go|sh|text)\n(.*?)^```$")
	appendTo     = regexp.MustCompile("Append to `([^`]+)`:$")
	addAfter     = regexp.MustCompile("In `([^`]+)`, after `([^`]+)`, add:$")
	without      = regexp.MustCompile("Without the edits of `([^`]+)`, `([^`]+)` prints:$")
)

// readExample reads the worked example from the page. The end of the line before each block says what to do with the
// block.
func readExample(t *testing.T) (x example) {
	t.Helper()
	_, section, found := strings.Cut(contributing(t), "\n## Worked example")
	if !found {
		t.Fatal("docs/CONTRIBUTING.md has no worked example")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	blocks := exampleBlock.FindAllStringSubmatch(section, -1)
	if want := strings.Count(section, "\n```") / 2; len(blocks) != want {
		t.Fatalf("%d of %d blocks follow a sentence, want %v", len(blocks), want, want)
	}
	for _, b := range blocks {
		sentence, language, text := b[1], b[2], b[3]
		switch language {
		case "sh":
			x.commands = append(x.commands, strings.Split(strings.TrimSpace(text), "\n")...)
			continue
		case "text":
			if m := without.FindStringSubmatch(sentence); m != nil {
				x.failures = append(x.failures, failing{m[1], m[2], text})
				continue
			}
		case "go":
			if m := appendTo.FindStringSubmatch(sentence); m != nil {
				x.edits = append(x.edits, edit{file: m[1], text: "\n" + text})
				continue
			}
			if m := addAfter.FindStringSubmatch(sentence); m != nil {
				x.edits = append(x.edits, edit{m[1], m[2], text})
				continue
			}
		}
		t.Fatalf("the test does not understand the sentence before a block: %s", sentence)
	}
	return x
}

// sourceCopy is a copy of the source tree in a temporary folder.
type sourceCopy struct {
	t        *testing.T
	root     string            // the original tree
	dir      string            // the copy
	tools    string            // folder of the command go that the copy uses
	original map[string]string // path of each file → its original content
}

// copySource copies the tracked files, and the new files that are not ignored.
func copySource(t *testing.T) *sourceCopy {
	t.Helper()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	names, err := list.Output()
	if err != nil {
		t.Skip("needs a git clone of the source tree")
	}
	c := &sourceCopy{t, absolute(t, root), absolute(t, t.TempDir()), absolute(t, t.TempDir()), map[string]string{}}
	c.writeGo()
	for name := range strings.SplitSeq(strings.TrimRight(string(names), "\x00"), "\x00") {
		info, err := os.Lstat(filepath.Join(root, name))
		if err != nil || !info.Mode().IsRegular() {
			continue // a deleted file or a link
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		c.original[name] = string(text)
		to := filepath.Join(c.dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// absolute returns a path without symbolic links, as programs see their folder.
func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// apply writes the edited files. The file except keeps its original content.
func (c *sourceCopy) apply(edits []edit, except string) {
	c.t.Helper()
	texts := map[string]string{}
	for _, e := range edits {
		text, edited := texts[e.file]
		if !edited {
			text = c.original[e.file]
		}
		if e.file != except {
			text = c.edited(e, text)
		}
		texts[e.file] = text
	}
	for name, text := range texts {
		if formatted, err := format.Source([]byte(text)); err != nil || string(formatted) != text {
			c.t.Errorf("%s is not formatted after the edits (%v)", name, err)
		}
		if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o644); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *sourceCopy) edited(e edit, text string) string {
	c.t.Helper()
	if text == "" {
		c.t.Fatalf("docs/CONTRIBUTING.md edits %s, which does not exist", e.file)
	}
	if e.after == "" {
		return text + e.text
	}
	if n := strings.Count(text, e.after); n != 1 {
		c.t.Fatalf("docs/CONTRIBUTING.md: %s has %d times %q, want it once", e.file, n, e.after)
	}
	before, rest, _ := strings.Cut(text, e.after)
	line, rest, _ := strings.Cut(rest, "\n")
	return before + e.after + line + "\n" + e.text + rest
}

// run runs a command of the page in the copy, without the tests that need a database. Tests do not vet, because a command of
// the page does.
func (c *sourceCopy) run(command string) (string, error) {
	c.writeOverlay()
	cmd := exec.CommandContext(c.t.Context(), "sh", "-c", command)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "ROOMLOG_SKIP=postgres", "MAKEFLAGS=", "MAKELEVEL=", "PWD="+c.dir,
		"PATH="+c.tools+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// writeGo writes a command go that builds in the original tree, with the changed files of the copy as an overlay. The cached
// builds of all packages that the example does not concern are then reused; a build in another folder would share none. The
// programs and tests that it builds run in the copy, and their results are not cached.
func (c *sourceCopy) writeGo() {
	c.t.Helper()
	command, err := exec.LookPath("go")
	if err != nil {
		c.t.Skip("needs go")
	}
	overlay, inCopy := filepath.Join(c.tools, "overlay.json"), filepath.Join(c.tools, "in-copy")
	flags := fmt.Sprintf("%s -overlay=%s -exec=%s -vet=off -count=1", os.Getenv("GOFLAGS"), overlay, inCopy)
	for path, script := range map[string]string{
		filepath.Join(c.tools, "go"): fmt.Sprintf("cd %q\"${PWD#%s}\" && GOFLAGS=%q exec %q \"$@\"", c.root, c.dir, flags, command),
		inCopy:                       fmt.Sprintf("cd %q\"${PWD#%s}\" && GOFLAGS=%q exec \"$@\"", c.dir, c.root, os.Getenv("GOFLAGS")),
	} {
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			c.t.Fatal(err)
		}
	}
}

// writeOverlay writes the file that tells the command go which files of the original tree are replaced, see go help build.
func (c *sourceCopy) writeOverlay() {
	c.t.Helper()
	replace := map[string]string{}
	for _, name := range c.changed() {
		replace[filepath.Join(c.root, name)] = filepath.Join(c.dir, name)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err == nil {
		err = os.WriteFile(filepath.Join(c.tools, "overlay.json"), overlay, 0o600)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// changed returns the names of the files that differ from the original.
func (c *sourceCopy) changed() []string {
	c.t.Helper()
	var names []string
	err := filepath.WalkDir(c.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(c.dir, path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if original, existed := c.original[filepath.ToSlash(name)]; !existed || !bytes.Equal(text, []byte(original)) {
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return names
}

// TestContributingExample follows the worked example of docs/CONTRIBUTING.md in a copy of the source tree.
func TestContributingExample(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"git", "make", "sh"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("needs " + tool)
		}
	}
	x := readExample(t)
	if len(x.edits) < 5 || len(x.commands) < 2 || len(x.failures) < 2 {
		t.Fatalf("the worked example has lost a part: %+v", x)
	}
	c := copySource(t)
	for _, e := range x.edits {
		if strings.Contains(c.original[e.file], strings.TrimSpace(e.text)) {
			t.Fatalf("%s already contains the worked example of docs/CONTRIBUTING.md, which this test adds to a copy of the tree: undo its edits and run make generate, or write another example", e.file)
		}
	}
	for _, f := range x.failures {
		c.apply(x.edits, f.file)
		out, err := c.run(f.command)
		if err == nil {
			t.Errorf("%s succeeds without the edits of %s", f.command, f.file)
		}
		for line := range strings.Lines(f.lines) {
			if !strings.Contains(out, strings.TrimSpace(line)) {
				t.Errorf("%s without the edits of %s does not print\n%s\nbut\n%s", f.command, f.file, line, out)
			}
		}
	}
	c.apply(x.edits, "")
	for _, command := range x.commands {
		if out, err := c.run(command); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
	checkChangedFiles(t, x.edits, c.changed())
}

// checkChangedFiles checks that the edits change as many files as the page says. The request of the native dialect is
// counted separately.
func checkChangedFiles(t *testing.T, edits []edit, changed []string) {
	t.Helper()
	production := map[string]bool{}
	for _, e := range edits {
		if !strings.HasSuffix(e.file, "_test.go") {
			production[e.file] = true
		}
	}
	if len(production) > maxProductionFiles {
		t.Errorf("%d production files are edited, want at most %d: %v", len(production), maxProductionFiles, slices.Sorted(maps.Keys(production)))
	}
	ofEvent := slices.DeleteFunc(slices.Clone(changed), func(name string) bool { return strings.HasPrefix(name, "realtime/") })
	if len(ofEvent) > maxFilesOfAnEvent || len(changed) > len(ofEvent)+1 {
		t.Errorf("%d files have changed, %d of them for the event, want at most %d: %v", len(changed), len(ofEvent), maxFilesOfAnEvent, changed)
	}
	if promised := fmt.Sprintf("change %d files", len(ofEvent)); !strings.Contains(contributing(t), promised) {
		t.Errorf("docs/CONTRIBUTING.md does not say %q: %v", promised, ofEvent)
	}
}

func contributing(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(root, "docs/CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}
