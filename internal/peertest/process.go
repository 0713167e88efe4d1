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

// Process is a program that receives commands and sends results in lines. It ends when its standard input ends: with Stop, or
// with the test.
type Process struct {
	Stop func() // ends the process and waits; it may be called more than once

	t   testing.TB
	in  io.Writer
	out *bufio.Scanner
}

// Start starts a process.
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

// Send sends a line.
func (p *Process) Send(format string, values ...any) {
	p.t.Helper()
	if _, err := fmt.Fprintf(p.in, format+"\n", values...); err != nil {
		p.t.Fatalf("the process has ended: %v", err)
	}
}

// Receive blocks until the next line arrives, and returns what follows word in it. Another line fails the test.
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

// Usage is what a process has used since its start.
type Usage struct {
	CPU    float64 // seconds, in user and kernel mode
	Memory float64 // bytes in memory now (RSS)
}

// Usage sends the line "stats" and parses the result, which is that of Stats, and further values if there are any.
func (p *Process) Usage(more ...any) (u Usage) {
	p.t.Helper()
	p.Send("stats")
	line := p.Receive("stats")
	if _, err := fmt.Sscan(line, append([]any{&u.CPU, &u.Memory}, more...)...); err != nil {
		p.t.Fatalf("%q: %v", line, err)
	}
	return u
}

// Stats returns the line that a process sends for Usage.
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
