package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/eventstore/localpg"
	"roomlog/internal/wait"
)

const (
	startPoll   = 10 * time.Millisecond
	maxLogShown = 4 << 10
)

// await blocks until the server accepts connections, and returns its connection string. It starts the supervisor,
// unless another process has started it.
func await(ctx context.Context, dir string) (string, error) {
	pid := 0 // pid of the supervisor that this process has started; 0 if there is none
	for {
		dsn, err := ready(ctx, dir)
		if err == nil {
			return dsn, nil
		}
		if pid == 0 && errors.Is(err, localpg.ErrNotRunning) {
			if pid, err = launch(dir); err != nil {
				return "", err
			}
		}
		if !wait.Sleep(ctx, startPoll) {
			return "", fmt.Errorf("wait for the test server: %w\n%s", err, logTail(dir))
		}
		switch status, ok := exited(pid); {
		case ok && status != 0:
			return "", fmt.Errorf("start the test server: exit status %d\n%s", status, logTail(dir))
		case ok:
			pid = 0 // another process has started a supervisor first
		}
	}
}

// ready returns the connection string of the server, if the server accepts connections.
func ready(ctx context.Context, dir string) (string, error) {
	dsn, err := localpg.Attach(dir)
	if err != nil {
		return "", err
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return "", err
	}
	return dsn, conn.Close(ctx)
}

// launch starts this executable again as the supervisor. The supervisor is detached: it is not in the process group of
// the terminal, and does not hold the pipes of "go test", which waits until its pipes are closed.
func launch(dir string) (pid int, err error) {
	exe, err := os.Executable()
	if err != nil {
		return 0, err
	}
	log, err := os.OpenFile(supervisorLog(dir), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), superviseEnv+"="+dir)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	pid = cmd.Process.Pid
	return pid, cmd.Process.Release() // the supervisor outlives this process, so nobody waits for it
}

// exited returns the exit status of a child process that has ended. It reports false if the process is running. It does
// not block.
func exited(pid int) (status int, ok bool) {
	if pid == 0 {
		return 0, false
	}
	var ws syscall.WaitStatus
	if got, err := syscall.Wait4(pid, &ws, syscall.WNOHANG, nil); err != nil || got != pid {
		return 0, false
	}
	if ws.Signaled() {
		return -1, true
	}
	return ws.ExitStatus(), true
}

// logTail returns the end of the supervisor's log.
func logTail(dir string) string {
	b, err := os.ReadFile(supervisorLog(dir))
	if err != nil {
		return ""
	}
	return string(b[max(0, len(b)-maxLogShown):])
}
