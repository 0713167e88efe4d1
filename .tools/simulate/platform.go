package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/eventstore/localpg"
)

const (
	maxSessions = 900              // sessions that PostgreSQL permits
	startWait   = 3 * time.Minute  // time in which a process must start
	stopWait    = 30 * time.Second // time in which a process must end
)

// platform is a PostgreSQL server that waits for the disk, a NATS server and a node with all roles, each a process of its own.
type platform struct {
	dir     string
	program string
	pg      *localpg.Server
	nats    *natsServer
	first   *node
	owner   *pgx.Conn
	store   string // id of the store
	started int    // number of nodes
}

// node is a process "roomlog serve".
type node struct {
	addr string
	cmd  *exec.Cmd
	log  string // path of its log
}

// build builds the program of the module in root and returns its path.
func build(ctx context.Context, root, dir string) (string, error) {
	path := filepath.Join(dir, "roomlog")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, "./cmd/roomlog")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build roomlog: %w\n%s", err, out)
	}
	return path, nil
}

// startPlatform starts a platform in a new folder.
func startPlatform(ctx context.Context, program string) (_ *platform, err error) {
	dir, err := os.MkdirTemp("", "roomlog-simulate-")
	if err != nil {
		return nil, err
	}
	p := &platform{dir: dir, program: program}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.stop())
		}
	}()
	if err := os.Chmod(dir, 0o711); err != nil { // root runs PostgreSQL as another user
		return nil, err
	}
	settings := map[string]string{"max_connections": strconv.Itoa(maxSessions)}
	config := localpg.Config{DataDir: filepath.Join(dir, "postgres"), Settings: settings}
	if p.pg, err = localpg.Start(ctx, config); err != nil {
		return nil, err
	}
	if p.nats, err = startNATS(); err != nil {
		return nil, err
	}
	if p.first, err = p.start("api,realtime,media,projector"); err != nil {
		return nil, err
	}
	if p.owner, err = pgx.Connect(ctx, p.pg.DSN(localpg.Database)); err != nil {
		return nil, err
	}
	p.store, err = p.awaitRelay(ctx)
	return p, err
}

// stop ends all processes and deletes the folder.
func (p *platform) stop() error {
	var errs []error
	if p.first != nil {
		errs = append(errs, p.first.stop())
	}
	if p.owner != nil {
		errs = append(errs, p.owner.Close(context.Background()))
	}
	if p.nats != nil {
		p.nats.stop()
	}
	if p.pg != nil {
		errs = append(errs, p.pg.Stop())
	}
	return errors.Join(append(errs, os.RemoveAll(p.dir))...)
}

// start starts a node with some roles and returns when it listens.
func (p *platform) start(roles string) (*node, error) {
	p.started++
	data := filepath.Join(p.dir, "node"+strconv.Itoa(p.started))
	const many = "1000000"
	args := []string{
		"serve", "--data", data, "--roles", roles, "--log-format", "text",
		"--http-addr", "127.0.0.1:0", "--rtmp-addr", "127.0.0.1:0", "--flv-addr", "127.0.0.1:0",
		"--max-connections-per-user", "0", "--max-connections-per-address", many,
		"--join-rate", many, "--join-burst", many, "--post-rate", many, "--post-burst", many,
		"--comment-rate", many, "--comment-burst", many, "--frame-rate", "0", "--drain-timeout", "1s", "--restart-spread", "100ms",
	}
	n := &node{cmd: exec.Command(p.program, args...), log: data + ".log"}
	n.cmd.Env = append(os.Environ(), "DATABASE_URL="+p.pg.DSN(localpg.Database), "ROOMLOG_NATS_URL=nats://"+p.nats.addr,
		"ROOMLOG_JWT_SECRET=tokens-of-the-simulation", "ROOMLOG_SIGN_SECRET=signs-of-the-simulation",
		"ROOMLOG_PAYMENT_SECRET=payments-of-the-simulation", "ROOMLOG_AUDIT_SECRET=transparency-log-of-the-simulation")
	log, err := os.Create(n.log)
	if err != nil {
		return nil, err
	}
	stderr, err := n.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := n.cmd.Start(); err != nil {
		return nil, err
	}
	listening := make(chan string, 1)
	go func() {
		defer close(listening)
		defer log.Close()
		follow(stderr, log, listening)
	}()
	select {
	case addr, ok := <-listening:
		if ok {
			n.addr = addr
			return n, nil
		}
	case <-time.After(startWait):
	}
	return nil, fmt.Errorf("a node does not listen: %w\n%s", n.stop(), tail(n.log))
}

// follow copies a log, and sends the first address that it names.
func follow(in io.Reader, out io.Writer, listening chan<- string) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for sent := false; lines.Scan(); {
		fmt.Fprintln(out, lines.Text())
		if _, rest, found := strings.Cut(lines.Text(), "msg=listening address="); found && !sent {
			addr, _, _ := strings.Cut(rest, " ")
			listening <- addr
			sent = true
		}
	}
}

// tail returns the end of a log.
func tail(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4000):])
}

// stop ends the node.
func (n *node) stop() error {
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	kill := time.AfterFunc(stopWait, func() { _ = n.cmd.Process.Kill() })
	defer kill.Stop()
	if err := n.cmd.Wait(); err != nil {
		return fmt.Errorf("a node ends with %w:\n%s", err, tail(n.log))
	}
	return nil
}

// startEdges starts nodes without the roles projector and media, some at the same time.
func (p *platform) startEdges(n int) ([]*node, error) {
	nodes := make([]*node, 0, n)
	for range n {
		node, err := p.start("api,realtime")
		if err != nil {
			return nodes, err
		}
		nodes = append(nodes, node)
	}
	return nodes, nil
}

// stopAll ends nodes at the same time.
func stopAll(nodes []*node) error {
	errs := make([]error, len(nodes))
	var all sync.WaitGroup
	for i, n := range nodes {
		all.Go(func() { errs[i] = n.stop() })
	}
	all.Wait()
	return errors.Join(errs...)
}

// awaitRelay waits for a message of the relay and returns the id of the store in its subject.
func (p *platform) awaitRelay(ctx context.Context) (string, error) {
	conn, r, err := dialNATS(p.nats.addr, "probe", "roomlog.*.feed")
	if err != nil {
		return "", err
	}
	defer conn.Close()
	within, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	defer context.AfterFunc(within, func() { _ = conn.Close() })()
	var buffer []byte
	_, subject, _, err := readMessage(conn, r, &buffer)
	if err != nil {
		return "", fmt.Errorf("wait for the relay: %w", err)
	}
	parts := strings.Split(subject, ".")
	return parts[1], nil
}

// sessions returns the number of client sessions of PostgreSQL, and their memory in bytes without what they share.
func (p *platform) sessions(ctx context.Context) (n int, memory float64, err error) {
	rows, err := p.owner.Query(ctx, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
	if err != nil {
		return 0, 0, err
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return 0, 0, err
	}
	for _, pid := range pids {
		size, err := memoryOf(strconv.Itoa(pid), "smaps_rollup", "Private_Dirty")
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // the session has ended
		}
		if err != nil {
			return 0, 0, err
		}
		memory += size
	}
	return len(pids), memory, nil
}
