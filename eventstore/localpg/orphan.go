package localpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	orphanFast = 20 * time.Second // for a shutdown with a checkpoint
	orphanStop = 10 * time.Second // for each harder signal
)

// postmaster is what postmaster.pid says. The file outlives a killed server.
type postmaster struct {
	pid          int // 0: no server
	port, socket string
	status       string // "starting", "ready", "stopping", "standby"
}

func (f folder) postmaster() (postmaster, error) {
	text, err := readSmall(f.pidFile())
	if errors.Is(err, fs.ErrNotExist) {
		return postmaster{}, nil
	}
	if err != nil {
		return postmaster{}, err
	}
	lines := strings.Split(text, "\n")
	for len(lines) < 8 { // still being written
		lines = append(lines, "")
	}
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || pid < 0 { // a standalone backend writes a negative one
		pid = 0
	}
	return postmaster{pid: pid, port: strings.TrimSpace(lines[3]), socket: strings.TrimSpace(lines[4]), status: strings.TrimSpace(lines[7])}, nil
}

func (f folder) pidFile() string { return filepath.Join(f.data(), "postmaster.pid") }

// stopOrphan ends a server that outlived its parent and removes the lock files of
// one that died. The folder's lock is ours, so no living process owns either.
// PostgreSQL itself would believe any process with that pid, even a zombie, which
// is what a container without an init is left with.
func stopOrphan(ctx context.Context, f folder, log *slog.Logger) error {
	p, err := f.postmaster()
	if err != nil {
		return err
	}
	if p.pid > 1 && isPostmaster(ctx, p.pid, f.data()) {
		log.WarnContext(ctx, "stopping a postgresql left by an earlier run", slog.Int("pid", p.pid))
		if err := endOrphan(ctx, p.pid, f.data()); err != nil {
			return err
		}
	}
	stale := []string{f.pidFile()}
	for _, suffix := range []string{"", ".lock"} { // the socket has the same kind of lock
		stale = append(stale, filepath.Join(f.socket, ".s.PGSQL."+port+suffix))
	}
	for _, path := range stale {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func endOrphan(ctx context.Context, pid int, data string) error {
	for _, step := range []struct {
		signal  syscall.Signal
		patient time.Duration
	}{{syscall.SIGINT, orphanFast}, {syscall.SIGQUIT, orphanStop}, {syscall.SIGKILL, orphanStop}} {
		_ = syscall.Kill(pid, step.signal)
		for waited := time.Duration(0); waited < step.patient; waited += poll {
			if !isPostmaster(ctx, pid, data) {
				return nil
			}
			if err := pause(ctx, poll); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("postgresql %d of an earlier run does not end", pid)
}

// isPostmaster tells whether a living process is the server of this cluster. The
// command line of a zombie is empty.
func isPostmaster(ctx context.Context, pid int, data string) bool {
	args := commandLine(ctx, pid)
	i := slices.Index(args, "-D")
	return i > 0 && i+1 < len(args) && args[i+1] == data && filepath.Base(args[0]) == "postgres"
}

func commandLine(ctx context.Context, pid int) []string {
	if exists("/proc/self/cmdline") {
		b, err := readSmall(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil || b == "" {
			return nil
		}
		return strings.Split(b, "\x00")
	}
	out, err := exec.CommandContext(ctx, "ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return nil
	}
	return splitPS(string(out))
}

// splitPS cuts the one line of ps at the switches, because a path may hold blanks.
func splitPS(line string) []string {
	exe, rest, ok := strings.Cut(strings.TrimSpace(line), " -D ")
	if !ok {
		return nil
	}
	data, _, _ := strings.Cut(rest, " -c ")
	return []string{exe, "-D", data}
}

// killSurvivors ends backends that still run after their main process was killed:
// one in the middle of a long query would keep the cluster busy for as long.
// Without /proc it does nothing, and they end by themselves.
func killSurvivors(data string) {
	cwds, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, cwd := range cwds {
		if dir, err := os.Readlink(cwd); err != nil || dir != data {
			continue
		}
		if comm, err := readSmall(filepath.Join(filepath.Dir(cwd), "comm")); err != nil || strings.TrimSpace(comm) != "postgres" {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(cwd))); err == nil && pid > 1 {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
