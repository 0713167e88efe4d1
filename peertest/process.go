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

// Process is a process that is told what to do in lines and answers in lines. It ends when its input ends,
// which is at the end of the test if not before.
type Process struct {
	Stop func() // ends its input and waits; more than once does nothing

	t   testing.TB
	in  io.Writer
	out *bufio.Scanner
}

// Start starts one.
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

// Send tells it a line.
func (p *Process) Send(format string, values ...any) {
	p.t.Helper()
	if _, err := fmt.Fprintf(p.in, format+"\n", values...); err != nil {
		p.t.Fatalf("the process is gone: %v", err)
	}
}

// Receive waits for its next line, which begins with word, and returns the rest.
func (p *Process) Receive(word string) string {
	p.t.Helper()
	if !p.out.Scan() {
		p.t.Fatalf("the process is gone: %v", p.out.Err())
	}
	rest, ok := strings.CutPrefix(p.out.Text(), word)
	if !ok {
		p.t.Fatalf("the process says %q, not %s", p.out.Text(), word)
	}
	return strings.TrimSpace(rest)
}

// Usage is what a process has used so far.
type Usage struct {
	CPU    float64 // seconds, in user and in system
	Memory float64 // bytes that are resident now
}

// Usage asks it with the line "stats"; it answers with what Stats makes, and maybe values behind that.
func (p *Process) Usage(more ...any) (u Usage) {
	p.t.Helper()
	p.Send("stats")
	said := p.Receive("stats")
	if _, err := fmt.Sscan(said, append([]any{&u.CPU, &u.Memory}, more...)...); err != nil {
		p.t.Fatalf("%q: %v", said, err)
	}
	return u
}

// Stats is the answer of this process.
func Stats() string {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	var pages, resident int64
	if statm, err := os.ReadFile("/proc/self/statm"); err == nil {
		_, _ = fmt.Sscan(string(statm), &pages, &resident)
	}
	return fmt.Sprintf("stats %f %d", seconds(used.Utime)+seconds(used.Stime), resident*int64(os.Getpagesize()))
}
