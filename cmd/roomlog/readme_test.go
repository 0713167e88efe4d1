package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"roomlog/internal/logtest"
)

// block is a part of the tour in the README: commands, or their output.
type block struct{ kind, text string }

var fence = regexp.MustCompile("(?ms)^```(sh|text)\n(.*?)^```$")

// tour returns the blocks of the tour in the README.
func tour(t *testing.T) (blocks []block) {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(readme), "\n## A five-minute tour\n")
	if !found {
		t.Fatal("the README has no tour")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	for _, m := range fence.FindAllStringSubmatch(section, -1) {
		blocks = append(blocks, block{m[1], m[2]})
	}
	return blocks
}

// TestReadmeTour runs the commands in the README and compares their output line by line, except for values that differ
// in every run.
func TestReadmeTour(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the tour needs %s", tool)
		}
	}
	at := serveBuilt(t, nil, append([]string{"--data", dataDir(t)}, "--restart-spread", "100ms")...)
	shell := newShell(t, at)
	last, watched, watching := "", "", false
	blocks := tour(t)
	for i, b := range blocks {
		typed := strings.TrimSpace(b.text)
		switch {
		case b.kind == "text" && watching: // this block is the output of the third terminal
			eventually(t, "the third terminal has printed all frames", func() bool {
				watched = shell.file("anna.txt")
				return len(missing(b.text, watched)) == 0 || strings.Contains(watched, `"type":"leave"`)
			})
			expect(t, b.text, watched)
			watching = false
		case b.kind == "text":
			expect(t, b.text, last)
			watching = watched == "" && shell.watching
		case typed == "go run ./cmd/roomlog serve": // the server is already running
		case strings.HasPrefix(typed, "kill -9 PID\n"):
			at.kill()
			at.again()
		case typed == "TOKEN=$ANNA roomlog talk --live 1":
			shell.watch(typed)
		case strings.Contains(typed, listening):
			last = shell.listens(typed, blocks[i+1].text)
		default:
			last = shell.typed(typed)
		}
	}
	if watched == "" || !strings.Contains(last, "ready") {
		t.Errorf("the tour ended early: %s", last)
	}
}

// shell is the second terminal of the tour. It keeps functions and variables for later blocks.
type shell struct {
	t        *testing.T
	dir      string
	env      []string
	before   string
	replace  *strings.Replacer
	watching bool
}

func newShell(t *testing.T, at *process) *shell {
	t.Helper()
	return &shell{t: t, dir: t.TempDir(), replace: strings.NewReplacer("go run ./cmd/roomlog", program(t), "localhost:7001", at.addr),
		env: append(environment0(), "ROOMLOG_DATA="+at.data(), fmt.Sprintf("ROOMLOG_URL=ws://%s/ws", at.addr))}
}

var (
	definition = regexp.MustCompile(`(?m)^(\w+\(\) \{.*\}|\w+=\$\(.*\))$`)
	assignment = regexp.MustCompile(`(?m)^(\w+)=\$\(.*\)$`)
)

// typed runs a block and returns its output.
func (s *shell) typed(text string) string {
	s.t.Helper()
	script := s.before + s.replace.Replace(text) + "\n"
	for _, m := range assignment.FindAllStringSubmatch(text, -1) { // the later blocks need these variables
		script += fmt.Sprintf("echo %s=$%s >> vars.sh\n", m[1], m[1])
	}
	for _, m := range definition.FindAllString(text, -1) {
		if !assignment.MatchString(m) {
			s.before += s.replace.Replace(m) + "\n"
		}
	}
	out, err := s.command(script).Output()
	if err != nil {
		s.t.Fatalf("%s\n%v\n%s", script, err, out)
	}
	return string(out)
}

// listening is the time for which a command of the tour waits for replies. Tests wait for the replies instead.
const listening = "--for 1s"

// listens runs a block that waits for replies, interrupts it when it has printed every line of wanted, and returns its output.
func (s *shell) listens(text, wanted string) string {
	s.t.Helper()
	out := &logtest.Buffer{}
	cmd := s.command(s.before + s.replace.Replace(strings.ReplaceAll(text, listening, "--for 1h")))
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = out, out, &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	eventually(s.t, "the replies that the README shows", func() bool {
		if len(ended) > 0 {
			s.t.Fatalf("%s\nhas ended: %v\n%s\nThe README shows\n%s", text, <-ended, out.String(), wanted)
		}
		return len(missing(wanted, out.String())) == 0
	})
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
		s.t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			s.t.Errorf("%s\n%v\n%s", text, err, out.String())
		}
	case <-time.After(timeout):
		s.t.Fatalf("%s\ndoes not end:\n%s", text, out.String())
	}
	return out.String()
}

func (s *shell) command(script string) *exec.Cmd {
	cmd := exec.CommandContext(s.t.Context(), "bash", "-c", "touch vars.sh; . ./vars.sh\n"+script)
	cmd.Dir, cmd.Env = s.dir, s.env
	return cmd
}

// watch runs a block until the test ends.
func (s *shell) watch(text string) {
	s.t.Helper()
	cmd := s.command(s.before + s.replace.Replace(text) + " > anna.txt 2>&1")
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	s.watching = true
	eventually(s.t, "the third terminal has joined the live", func() bool { return strings.Contains(s.file("anna.txt"), `"snapshot"`) })
}

func (s *shell) file(name string) string {
	text, _ := os.ReadFile(filepath.Join(s.dir, name))
	return string(text)
}

// passing lists the values that differ in every run.
var passing = []struct {
	is *regexp.Regexp
	as string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?`), "TIME"},
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "UUID"},
	{regexp.MustCompile(`"key":"\w{20}"`), `"key":"KEY"`},
	{regexp.MustCompile(`"sign":"\d+-[0-9a-f]{32}"`), `"sign":"SIGN"`},
	{regexp.MustCompile(`"id":"[0-9a-f]{10}"`), `"id":"ID"`},
	{regexp.MustCompile(`"cursor":"\d+\.[0-9a-f]{8}"`), `"cursor":"CURSOR"`},
	{regexp.MustCompile(`, in [0-9.]+m?s`), ", in TIME"},
	{regexp.MustCompile(`migration \d+`), "migration N"},
	{regexp.MustCompile(`("pos":|"prev":|"position":|position )\d+`), "${1}N"}, // people may leave at any time, which changes positions
	{regexp.MustCompile(`\d+( events| rows| of | tables)\d*`), "N$1"},
	{regexp.MustCompile(`("database":"migration )\d+"`), `${1}N"`}, // every migration increases the number
}

func lasting(line string) string {
	for _, p := range passing {
		line = p.is.ReplaceAllString(line, p.as)
	}
	return line
}

// expect fails the test for every line of the README that was not printed.
func expect(t *testing.T, shown, printed string) {
	t.Helper()
	for _, line := range missing(shown, printed) {
		t.Errorf("the README shows a line that is not printed:\n%s\nprinted was:\n%s", line, printed)
	}
}

func missing(shown, printed string) (lines []string) {
	for line := range strings.Lines(shown) {
		pattern := strings.ReplaceAll(regexp.QuoteMeta(lasting(strings.TrimSpace(line))), "…", ".*")
		is := regexp.MustCompile("(?m)^" + pattern + "$")
		if !is.MatchString(lasting(printed)) {
			lines = append(lines, line)
		}
	}
	return lines
}
