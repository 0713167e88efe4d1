package peertest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
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

// Usage holds the CPU time that a process has used since its start, and its present memory.
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

// Stats returns the reply to "stats", which Process.Usage parses: the resources of the process with the id, or of this
// process if the id is 0.
func Stats(id int) string {
	process := "self"
	if id != 0 {
		process = strconv.Itoa(id)
	}
	stat, err := os.ReadFile("/proc/" + process + "/stat")
	if err != nil {
		panic(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // the name of the program may contain spaces
	fields := strings.Fields(rest)                // from field 3 on, see proc_pid_stat(5)
	user, _ := strconv.ParseFloat(fields[14-3], 64)
	system, _ := strconv.ParseFloat(fields[15-3], 64)
	pages, _ := strconv.ParseInt(fields[24-3], 10, 64)
	return fmt.Sprintf("stats %f %d", (user+system)/ticksPerSecond, pages*int64(os.Getpagesize()))
}

// ticksPerSecond is the unit of the times in /proc/PID/stat, which is the same in every architecture of Linux that Go supports.
const ticksPerSecond = 100
