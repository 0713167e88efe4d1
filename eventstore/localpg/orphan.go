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

	"roomlog/internal/wait"
)

const (
	orphanFast = 20 * time.Second // timeout of a shutdown with a checkpoint
	orphanStop = 10 * time.Second // time to wait after a signal before a more forceful signal is sent
)

// stopOrphan stops a server that has outlived its parent, and removes the lock files of a server that has died. This
// process holds the lock of the data folder, so no other process uses these lock files. Without stopOrphan, PostgreSQL
// would mistake any process with the pid in postmaster.pid for a running server. Even a zombie would count, which is
// common in containers without an init process.
func stopOrphan(ctx context.Context, f folder, log *slog.Logger) error {
	p, err := f.postmaster()
	if err != nil {
		return err
	}
	if p.pid > 1 && isPostmaster(ctx, p.pid, f.data()) {
		log.WarnContext(ctx, "stopping the PostgreSQL of an earlier run", slog.Int("pid", p.pid))
		if err := endOrphan(ctx, p.pid, f.data()); err != nil {
			return err
		}
	}
	killSurvivors(f.data()) // without postmaster.pid, PostgreSQL does not always notice such backends itself
	stale := []string{f.pidFile()}
	for _, suffix := range []string{"", ".lock"} { // the socket has a lock file, too
		stale = append(stale, filepath.Join(f.socket, ".s.PGSQL."+port+suffix))
	}
	for _, path := range stale {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// endOrphan sends the signals of a shutdown, each more forceful than the previous one, until the process has ended.
func endOrphan(ctx context.Context, pid int, data string) error {
	for _, step := range []struct {
		signal  syscall.Signal
		timeout time.Duration
	}{{syscall.SIGINT, orphanFast}, {syscall.SIGQUIT, orphanStop}, {syscall.SIGKILL, orphanStop}} {
		_ = syscall.Kill(pid, step.signal)
		for waited := time.Duration(0); waited < step.timeout; waited += pollInterval {
			if !isPostmaster(ctx, pid, data) {
				return nil
			}
			if !wait.Sleep(ctx, pollInterval) {
				return ctx.Err()
			}
		}
	}
	return fmt.Errorf("the PostgreSQL of an earlier run (process %d) does not end", pid)
}

// isPostmaster reports whether the process pid is a PostgreSQL server with the data directory data. It reports false
// for a zombie, because the command line of a zombie is empty.
func isPostmaster(ctx context.Context, pid int, data string) bool {
	args := commandLine(ctx, pid)
	i := slices.Index(args, "-D")
	return i > 0 && i+1 < len(args) && args[i+1] == data && filepath.Base(args[0]) == "postgres"
}

// commandLine returns the arguments of a process, or nil if they cannot be read.
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

// splitPS returns the program, -D and the data folder of a command line that ps has printed, or nil if it has no -D. It looks
// for the options only, because both paths may contain spaces.
func splitPS(line string) []string {
	exe, rest, ok := strings.Cut(strings.TrimSpace(line), " -D ")
	if !ok {
		return nil
	}
	data, _, _ := strings.Cut(rest, " -c ")
	return []string{exe, "-D", data}
}

// killSurvivors kills the backends that still run after their main process was killed. A backend with a long query
// would otherwise prevent the start until the query ends. Without /proc killSurvivors does nothing, and the backends
// end by themselves.
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
