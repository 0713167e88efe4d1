package peertest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Process is a program that receives commands and sends results as lines. It ends when its standard input is closed,
// by Stop or at the end of the test.
type Process struct {
	Stop func() // ends the process and waits for it; may be called more than once

	t   testing.TB
	in  io.Writer
	out *bufio.Scanner
}

// Start starts a process. A failure fails the test.
func Start(t testing.TB, cmd *exec.Cmd) *Process {
	t.Helper()
	if cmd.Stderr == nil {
		cmd.Stderr = os.Stderr
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	t.Cleanup(stop)
	return &Process{stop, t, in, bufio.NewScanner(out)}
}

// Send sends one line to the process.
func (p *Process) Send(format string, values ...any) {
	p.t.Helper()
	if _, err := fmt.Fprintf(p.in, format+"\n", values...); err != nil {
		p.t.Fatalf("the process has ended: %v", err)
	}
}

// Receive blocks until the next line arrives. It returns the rest of the line after word, the first word of the line. A
// line with another first word fails the test.
func (p *Process) Receive(word string) string {
	p.t.Helper()
	if !p.out.Scan() {
		p.t.Fatalf("the process has ended: %v", p.out.Err())
	}
	rest, ok := strings.CutPrefix(p.out.Text(), word)
	if !ok {
		p.t.Fatalf("the process sent %q, want %s", p.out.Text(), word)
	}
	return strings.TrimSpace(rest)
}

// Usage holds the resources that a process has used since its start.
type Usage struct {
	CPU    float64 // CPU time in seconds, in user and kernel mode
	Memory float64 // resident set size in bytes
}

// Usage sends the line "stats" and parses the reply: the line of Stats, followed by the values of more.
func (p *Process) Usage(more ...any) (u Usage) {
	p.t.Helper()
	p.Send("stats")
	line := p.Receive("stats")
	if _, err := fmt.Sscan(line, append([]any{&u.CPU, &u.Memory}, more...)...); err != nil {
		p.t.Fatalf("%q: %v", line, err)
	}
	return u
}

// Stats returns the reply of this process to "stats", which Process.Usage parses.
func Stats() string {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	var pages, rss int64
	if statm, err := os.ReadFile("/proc/self/statm"); err == nil {
		_, _ = fmt.Sscan(string(statm), &pages, &rss)
	}
	return fmt.Sprintf("stats %f %d", seconds(used.Utime)+seconds(used.Stime), rss*int64(os.Getpagesize()))
}
