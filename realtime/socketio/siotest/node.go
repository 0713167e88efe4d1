package siotest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Program is a Node program in a separate process. It prints lines of JSON, which Next returns as values of type T.
type Program[T any] struct {
	testing.TB
	in    io.Writer
	lines chan T
}

// StartNode starts a program of the folder dir, whose npm packages `make deps` installs. The program must end when its
// standard input ends. StartNode skips the test if ROOMLOG_SKIP contains node.
func StartNode[T any](t testing.TB, dir, program string, arguments ...string) *Program[T] {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("ROOMLOG_SKIP"), ","), "node") {
		t.Skip("node is left out by ROOMLOG_SKIP")
	}
	wanted, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	if have, err := os.ReadFile(filepath.Join(dir, "node_modules", ".installed")); err != nil || !bytes.Equal(have, wanted) {
		t.Fatalf("the npm packages of %s are missing or old; install them with `make deps`, or leave them out with ROOMLOG_SKIP=node", dir)
	}
	cmd := exec.Command("node", append([]string{filepath.Join(dir, program)}, arguments...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &Program[T]{TB: t, in: in, lines: make(chan T, 100_000)}
	var reading sync.WaitGroup
	reading.Go(func() { p.read(out) })
	t.Cleanup(func() {
		_ = in.Close()
		reading.Wait()
		_ = cmd.Wait()
	})
	return p
}

func (p *Program[T]) read(out io.Reader) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var line T
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			p.Errorf("the program printed %s", lines.Text())
			continue
		}
		p.lines <- line
	}
}

// Next returns the next line that the program has printed. It fails the test if none arrives within Timeout.
func (p *Program[T]) Next() T {
	p.Helper()
	timer := time.NewTimer(Timeout)
	defer timer.Stop()
	select {
	case line := <-p.lines:
		return line
	case <-timer.C:
		p.Fatal("timed out waiting for a line of the program")
	}
	panic("unreachable")
}

// Send sends the program a line.
func (p *Program[T]) Send(line string) {
	p.Helper()
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		p.Fatal(err)
	}
}
