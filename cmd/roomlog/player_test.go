package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// clientsDir is the folder with the official clients in several versions, and the program that runs them.
const clientsDir = "../../realtime/socketio/testdata/clients"

// need returns the first installed program of a list. It fails the test if none is installed, and skips it if
// ROOMLOG_SKIP contains tool.
func need(t testing.TB, tool string, programs ...string) string {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("ROOMLOG_SKIP"), ","), tool) {
		t.Skip(tool + " is left out by ROOMLOG_SKIP")
	}
	for _, program := range programs {
		if path, err := exec.LookPath(program); err == nil {
			return path
		}
	}
	t.Fatalf("%s is missing; install it with `make deps`, or leave it out with ROOMLOG_SKIP=%s", programs[0], tool)
	panic("unreachable")
}

// officialClients returns the folder in which the official clients are installed.
func officialClients(t testing.TB) string {
	t.Helper()
	return npmPackages(t, clientsDir)
}

// npmPackages returns the folder in which the npm packages of dir are installed.
func npmPackages(t testing.TB, dir string) string {
	t.Helper()
	wanted, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	modules := filepath.Join(dir, "node_modules")
	if have, err := os.ReadFile(filepath.Join(modules, ".installed")); err != nil || !bytes.Equal(have, wanted) {
		t.Fatalf("the npm packages of %s are missing or old; install them with `make deps`, or leave them out with ROOMLOG_SKIP=node", dir)
	}
	return modules
}

// player is an official client in a separate process. It keeps its reports in order.
type player struct {
	t    testing.TB
	in   io.WriteCloser
	id   string // id of the client's socket
	name string

	mu      sync.Mutex
	lines   []report
	changed chan struct{}
}

// report is an event of a player.
type report struct {
	Event     string            `json:"event"`
	Args      []json.RawMessage `json:"args"`
	ID        string            `json:"id"`
	Transport string            `json:"transport"`
	Recovered bool              `json:"recovered"`
}

// play starts a client with a major version, the transports in the order in which it tries them, and further options.
func play(t testing.TB, at *process, version, transports string, more ...map[string]any) *player {
	t.Helper()
	return startPlayer(t, at, version+" over "+transports, []string{"player.js", version, transports}, more)
}

// playVue starts a Vue app that uses vue-socket.io with client 2.5. Its reports contain what the event handlers of the
// app receive.
func playVue(t testing.TB, at *process, more ...map[string]any) *player {
	t.Helper()
	return startPlayer(t, at, "vue-socket.io", []string{"vue.js"}, more)
}

// startPlayer starts a program in the folder of the clients. It passes the address of the server and options to the
// program.
func startPlayer(t testing.TB, at *process, name string, program []string, more []map[string]any) *player {
	t.Helper()
	node := need(t, "node", "node")
	officialClients(t)
	options := map[string]any{}
	for _, m := range more {
		maps.Copy(options, m)
	}
	text, err := json.Marshal(options)
	if err != nil {
		t.Fatal(err)
	}
	program[0] = filepath.Join(clientsDir, program[0])
	cmd := exec.Command(node, append(program, "http://"+at.addr, string(text))...)
	cmd.Stderr = os.Stderr
	p := &player{t: t, name: name, changed: make(chan struct{})}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() { p.read(out) })
	t.Cleanup(func() {
		_ = p.in.Close()
		reading.Wait()
		_ = cmd.Wait()
	})
	p.id = p.await("its connection", "connect", nil).ID
	return p
}

func (p *player) read(out io.Reader) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r report
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			p.t.Errorf("a player printed %s", lines.Text())
			continue
		}
		p.mu.Lock()
		p.lines = append(p.lines, r)
		close(p.changed)
		p.changed = make(chan struct{})
		p.mu.Unlock()
	}
}

// order sends an instruction to the player.
func (p *player) order(what map[string]any) {
	p.t.Helper()
	text, err := json.Marshal(what)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.in.Write(append(text, '\n')); err != nil {
		p.t.Fatal(err)
	}
}

func (p *player) emit(event string, value map[string]any) {
	p.t.Helper()
	p.order(map[string]any{"emit": []any{event, value}})
}

// await returns the next report of a kind for which wanted returns true. It keeps the other reports.
func (p *player) await(what, event string, wanted func(report) bool) report {
	p.t.Helper()
	late := time.After(timeout)
	for {
		p.mu.Lock()
		i := slices.IndexFunc(p.lines, func(r report) bool { return r.Event == event && (wanted == nil || wanted(r)) })
		changed := p.changed
		if i >= 0 {
			r := p.lines[i]
			p.lines = slices.Delete(p.lines, i, i+1)
			p.mu.Unlock()
			return r
		}
		p.mu.Unlock()
		select {
		case <-changed:
		case <-late:
			p.mu.Lock()
			defer p.mu.Unlock()
			p.t.Fatalf("%s: timed out waiting for %s; got %+v", p.name, what, p.lines)
		}
	}
}

// has reports whether there is a report of an event that await has not returned.
func (p *player) has(event string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.lines, func(r report) bool { return r.Event == event })
}

// hear returns the first argument of the next event with this name for which wanted returns true.
func hear[T any](p *player, event string, wanted func(T) bool) (v T) {
	p.t.Helper()
	p.await("the event "+event, "heard", func(r report) bool {
		var name string
		if len(r.Args) < 2 || json.Unmarshal(r.Args[0], &name) != nil || name != event {
			return false
		}
		var value T
		if err := json.Unmarshal(r.Args[1], &value); err != nil || wanted != nil && !wanted(value) {
			return false
		}
		v = value
		return true
	})
	return v
}
