package main_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"roomlog/api/apicheck"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/porttest"
)

// timeout is the time that a test waits for something that should happen soon.
const timeout = 5 * time.Minute

// paymentSecret is the secret of the payment provider in these tests.
const paymentSecret = "payments-of-these-tests"

// sharedSecrets are the secrets that all nodes with one database need.
var sharedSecrets = []string{
	"ROOMLOG_JWT_SECRET=tokens-of-these-tests",
	"ROOMLOG_SIGN_SECRET=signs-of-these-tests",
	"ROOMLOG_PAYMENT_SECRET=" + paymentSecret,
	"ROOMLOG_AUDIT_SECRET=transparency-log-of-these-tests-xx",
}

// withDatabase returns the environment of servers that share a new database. Without it a server starts a private
// PostgreSQL, which takes longer.
func withDatabase(t testing.TB) []string {
	t.Helper()
	return append([]string{"DATABASE_URL=" + pgtest.New(t).DSN}, sharedSecrets...)
}

// sharedDir returns a folder for files that tests share (see TestMain).
func sharedDir() string { return os.Getenv("TEST_PROGRAM_DIR") }

// built builds the program once, with the command in the README.
var built = sync.OnceValues(func() (string, error) {
	path := filepath.Join(sharedDir(), "roomlog")
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

// program returns the path of the built program.
func program(t testing.TB) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// process is a running "roomlog serve".
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	addr   string
	env    []string
	args   []string
	ahead  time.Duration // how far the clock of the server is ahead
	built  bool          // whether the server is the program that users build, see testServer
	older  string        // path of an older program, which runs instead; "": none
	exited chan struct{}

	mu  sync.Mutex
	log strings.Builder
}

// serve starts a server on a reserved port and returns when it listens. In tests the server is the test binary, whose hashes
// are cheap, see mainOfTestServer.
func serve(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	_, benchmark := t.(*testing.B)
	return launch(&process{t: t, env: env, args: args, built: benchmark})
}

// serveBuilt starts the program that users build as a server.
func serveBuilt(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	return launch(&process{t: t, env: env, args: args, built: true})
}

// serveWithClock starts a server whose clock is ahead of the right one.
func serveWithClock(t testing.TB, ahead time.Duration, env []string, args ...string) *process {
	t.Helper()
	return launch(&process{t: t, env: env, args: args, ahead: ahead})
}

func launch(p *process) *process {
	t := p.t
	t.Helper()
	p.addr = porttest.Address(t)
	p.start()
	t.Cleanup(func() {
		p.kill()
		if strings.Contains(p.output(), "DATA RACE") || strings.Contains(p.output(), "panic:") {
			t.Error("the server is not sound")
		}
		if t.Failed() {
			t.Logf("output of the server at %s:\n%s", p.addr, p.output())
		}
	})
	return p
}

// again restarts a server that has ended, at the same address.
func (p *process) again() {
	p.t.Helper()
	p.start()
}

// start starts the server at its address and returns when it listens.
func (p *process) start() {
	p.t.Helper()
	args := append([]string{"serve", "--http-addr", p.addr, "--log-format", "text"}, p.args...)
	switch {
	case p.older != "":
		p.cmd = exec.Command(p.older, args...)
	case p.built:
		p.cmd = exec.Command(program(p.t), args...)
	default:
		self, err := os.Executable()
		if err != nil {
			p.t.Fatal(err)
		}
		p.cmd = exec.Command(self, args...)
		p.cmd.Args[0] = "roomlog-of-a-test"
	}
	p.cmd.Env = environment0()
	if p.older == "" && !p.built { // the programs that users run have the default
		p.cmd.Env = append(p.cmd.Env, "ROOMLOG_SETTLE=10s") // tests read what they have written, and a slow machine may need more than the default
	}
	p.cmd.Env = append(p.cmd.Env, p.env...)
	if p.ahead != 0 {
		p.cmd.Env = append(p.cmd.Env, "TEST_CLOCK_AHEAD="+p.ahead.String())
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.exited = make(chan struct{})
	listening := make(chan struct{}, 1)
	go p.read(stderr, listening)
	select {
	case <-listening:
	case <-p.exited:
		p.t.Fatalf("the server ended at once: %v\n%s", p.cmd.ProcessState, p.output())
	case <-time.After(timeout):
		p.signal(syscall.SIGQUIT) // prints what every goroutine waits for
		<-p.exited
		p.t.Fatalf("the server does not listen:\n%s", p.output())
	}
}

// read collects the output of the server until the server ends.
func (p *process) read(stderr io.Reader, listening chan<- struct{}) {
	defer close(p.exited)
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		p.mu.Lock()
		p.log.WriteString(lines.Text() + "\n")
		p.mu.Unlock()
		if strings.Contains(lines.Text(), "msg=listening address=") {
			listening <- struct{}{}
		}
	}
	_ = p.cmd.Wait()
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// servesAPI reports whether addr is the address of a server with the role api.
func (p *process) servesAPI() bool {
	roles := slices.Index(p.args, "--roles") + 1
	return p.cmd != nil && (roles == 0 || strings.Contains(p.args[roles], "api"))
}

// checkers contains the checkers of responses by the paths of older programs; "" stands for this program. All servers of a program
// serve the same document here: it depends on no setting but the public URL, which these tests do not set
// (api.TestDocumentDependsOnFewSettings). A server takes half a second of CPU time to make it, because of the race detector.
var checkers = struct {
	sync.Mutex
	of map[string]*apicheck.Checker
}{of: make(map[string]*apicheck.Checker)}

// checker returns the checker of the server's responses. The server must have the role api.
func (p *process) checker() *apicheck.Checker {
	p.t.Helper()
	if p.mayHavePublicURL() {
		p.t.Fatal("the document of a server with a public URL is another one")
	}
	checkers.Lock()
	defer checkers.Unlock()
	c := checkers.of[p.older]
	if c == nil {
		var err error
		if c, err = apicheck.New(p.fetch("/openapi.json")); err != nil {
			p.t.Fatal(err)
		}
		checkers.of[p.older] = c
	}
	return c
}

// mayHavePublicURL reports whether a flag, a variable or a file of settings may give the server a public URL.
func (p *process) mayHavePublicURL() bool {
	return slices.ContainsFunc(slices.Concat(p.args, p.env), func(setting string) bool {
		name, _, _ := strings.Cut(setting, "=")
		return slices.Contains([]string{"--public-url", "--config", "ROOMLOG_PUBLIC_URL", "ROOMLOG_CONFIG"}, name)
	})
}

// fetch returns the body of a document that the server serves.
func (p *process) fetch(path string) []byte {
	p.t.Helper()
	response, err := http.Get("http://" + p.addr + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		p.t.Fatalf("GET %s: %d, %v", path, response.StatusCode, err)
	}
	return body
}

// signal sends a signal to the server process.
func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// kill sends SIGKILL and waits for the end of the process.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// stop sends SIGTERM and returns the exit code.
func (p *process) stop() int {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	return p.wait()
}

func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(timeout):
		p.t.Fatalf("the server does not end:\n%s", p.output())
	}
	return p.cmd.ProcessState.ExitCode()
}

// roomlog runs a command while this server runs, and returns the standard output.
func (p *process) roomlog(args ...string) string {
	p.t.Helper()
	out, code := p.try(args...)
	if code != 0 {
		p.t.Fatalf("roomlog %s: exit code %d\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

// try runs a command that may fail and returns its output and exit code.
func (p *process) try(args ...string) (string, int) {
	p.t.Helper()
	stdout, stderr, code := p.run(args...)
	if code != 0 {
		return stdout + stderr, code
	}
	return stdout, 0
}

// run runs a command and returns what it writes and its exit code.
func (p *process) run(args ...string) (out, errors string, code int) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	var stdout, stderr strings.Builder
	path := p.older
	if path == "" {
		path = program(p.t)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(append(environment0(), p.env...), "ROOMLOG_DATA="+p.data())
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run()
	if ctx.Err() != nil {
		p.t.Fatalf("roomlog %s did not end: %s%s", strings.Join(args, " "), &stdout, &stderr)
	}
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 0 {
		return stdout.String(), stderr.String(), max(1, cmd.ProcessState.ExitCode())
	}
	return stdout.String(), stderr.String(), 0
}

// data returns the data folder of the server.
func (p *process) data() string {
	for i, arg := range p.args {
		if arg == "--data" {
			return p.args[i+1]
		}
	}
	return ""
}

// environment0 returns the environment of these tests. It contains free media ports and no other settings of roomlog.
func environment0() []string {
	env := []string{"ROOMLOG_RTMP_ADDR=127.0.0.1:0", "ROOMLOG_FLV_ADDR=127.0.0.1:0"}
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "ROOMLOG_") && !strings.HasPrefix(kv, "DATABASE_URL") {
			env = append(env, kv)
		}
	}
	return env
}

// dataDir returns a folder for PostgreSQL. If the test runs as root, PostgreSQL runs as another user, who may not enter
// t.TempDir.
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

// eventually waits until cond returns true, and fails the test if it does not.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(timeout)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// awaitSignal waits until a channel gets a value or is closed, and fails the test if it does not.
func awaitSignal(t testing.TB, what string, signal <-chan struct{}) {
	t.Helper()
	select {
	case <-signal:
	case <-time.After(timeout):
		t.Fatalf("waited in vain: %s", what)
	}
}

// slowRequest sends the beginning of a request.
func slowRequest(t testing.TB, at *process) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", at.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	fmt.Fprintf(conn, "POST /api/reg HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n")
	if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil { // the server requests the rest of the body
		t.Fatal(err)
	}
	return conn
}
