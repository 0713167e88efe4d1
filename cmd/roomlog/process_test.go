package main_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// paymentSecret is what the payment provider of these tests signs with.
const paymentSecret = "payments-of-these-tests"

// sharedSecrets is what several processes on one database have to have in common.
var sharedSecrets = []string{
	"ROOMLOG_JWT_SECRET=tokens-of-these-tests",
	"ROOMLOG_SIGN_SECRET=signs-of-these-tests",
	"ROOMLOG_PAYMENT_SECRET=" + paymentSecret,
}

// built is the program, built once as the README says.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "roomlog-bin-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "roomlog")
	args := []string{"build", "-o", path}
	if raceEnabled {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, ".")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build roomlog: %w\n%s", err, out)
	}
	return path, nil
})

// program answers the path of the built program.
func program(t testing.TB) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// process is a running `roomlog serve`.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	addr   string
	env    []string
	args   []string
	exited chan struct{}

	mu  sync.Mutex
	log strings.Builder
}

// serve starts a server on a port of its own and returns when it listens.
func serve(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, env: env, args: args}
	p.start("127.0.0.1:0")
	t.Cleanup(func() {
		p.kill()
		if strings.Contains(p.said(), "DATA RACE") || strings.Contains(p.said(), "panic:") {
			t.Error("the server is not sound")
		}
		if t.Failed() {
			t.Logf("what the server at %s said:\n%s", p.addr, p.said())
		}
	})
	return p
}

// again starts a server that has ended once more, at the same address.
func (p *process) again() {
	p.t.Helper()
	p.start(p.addr)
}

var listening = regexp.MustCompile(`msg=listening address=(\S+)`)

func (p *process) start(addr string) {
	p.t.Helper()
	p.cmd = exec.Command(program(p.t), append([]string{"serve", "--http-addr", addr, "--log-format", "text"}, p.args...)...)
	p.cmd.Env = append(environment0(), p.env...)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.exited = make(chan struct{})
	at := make(chan string, 1)
	go p.read(stderr, at)
	select {
	case found := <-at:
		if p.addr == "" { // it stays the same
			p.addr = found
		}
	case <-p.exited:
		p.t.Fatalf("the server ended at once: %v\n%s", p.cmd.ProcessState, p.said())
	case <-time.After(time.Minute):
		p.kill()
		p.t.Fatalf("the server does not listen:\n%s", p.said())
	}
}

// read keeps what the server says, and waits for its end.
func (p *process) read(stderr io.Reader, at chan<- string) {
	defer close(p.exited)
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		p.mu.Lock()
		p.log.WriteString(lines.Text() + "\n")
		p.mu.Unlock()
		if found := listening.FindStringSubmatch(lines.Text()); found != nil {
			at <- found[1]
		}
	}
	_ = p.cmd.Wait()
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// signal sends a signal to the server itself.
func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// kill is kill -9.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// stop asks the server to end, and answers its exit code.
func (p *process) stop() int {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	return p.wait()
}

func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(time.Minute):
		p.t.Fatalf("the server does not end:\n%s", p.said())
	}
	return p.cmd.ProcessState.ExitCode()
}

// roomlog runs another command beside this server and answers its standard output.
func (p *process) roomlog(args ...string) string {
	p.t.Helper()
	out, code := p.try(args...)
	if code != 0 {
		p.t.Fatalf("roomlog %s: exit code %d\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

// try is roomlog for a command that may fail.
func (p *process) try(args ...string) (string, int) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var stdout, stderr strings.Builder
	cmd := exec.CommandContext(ctx, program(p.t), args...)
	cmd.Env = append(append(environment0(), p.env...), "ROOMLOG_DATA="+p.data())
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 0 {
		return stdout.String() + stderr.String(), max(1, cmd.ProcessState.ExitCode())
	}
	return stdout.String(), 0
}

// data is the data folder that the server was given.
func (p *process) data() string {
	for i, arg := range p.args {
		if arg == "--data" {
			return p.args[i+1]
		}
	}
	return ""
}

// environment0 is the environment of these tests without what would steer roomlog, but for ports that nobody else
// has.
func environment0() []string {
	env := []string{"ROOMLOG_RTMP_ADDR=127.0.0.1:0", "ROOMLOG_FLV_ADDR=127.0.0.1:0"}
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "ROOMLOG_") && !strings.HasPrefix(kv, "DATABASE_URL") {
			env = append(env, kv)
		}
	}
	return env
}

// dataDir answers a folder that PostgreSQL can live in: as root it runs as somebody else, whom
// t.TempDir shuts out.
func dataDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "roomlog-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

// eventually fails the test if a condition does not come true.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// slowRequest begins a request and does not end it.
func slowRequest(t testing.TB, at *process) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", at.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	fmt.Fprintf(conn, "POST /api/reg HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n")
	if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil { // the server asks for the rest
		t.Fatal(err)
	}
	return conn
}
