package localpg

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

const pollInterval = 5 * time.Millisecond // interval between two checks of a process that is starting or ending

// child is a running PostgreSQL process that this process has started.
type child struct {
	pid     int
	process *os.Process
	exited  chan struct{}
	err     error // why the process ended; read it only after exited is closed
}

// run starts a command on a thread that exists as long as the command runs. Linux sends the parent-death signal when
// the thread that started the command ends, even if the process continues.
func run(cmd *exec.Cmd) (*child, error) {
	ch := &child{exited: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			ch.err = cmd.Wait()
			close(ch.exited)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	ch.process, ch.pid = cmd.Process, cmd.Process.Pid
	return ch, nil
}

// stop sends the signals of a shutdown, each more forceful than the previous one. It reports whether the process has
// ended. It blocks for at most 40 seconds.
func (c *child) stop() bool {
	for _, step := range []struct {
		signal  syscall.Signal
		timeout time.Duration
	}{
		{syscall.SIGINT, 30 * time.Second}, // fast shutdown: PostgreSQL ends with a checkpoint
		{syscall.SIGQUIT, 5 * time.Second}, // immediate shutdown: the next start replays the write-ahead log
		{syscall.SIGKILL, 5 * time.Second},
	} {
		select {
		case <-c.exited:
			return true
		default:
		}
		_ = c.process.Signal(step.signal) // an os.Process, unlike a pid, never refers to another process
		select {
		case <-c.exited:
			return true
		case <-time.After(step.timeout):
		}
	}
	return false
}

// childEnv returns the environment of this process without the variables that PostgreSQL reads, such as PGDATA, PGPORT
// and the locale.
func childEnv() []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		return strings.HasPrefix(kv, "PG") || strings.HasPrefix(kv, "LC_") || strings.HasPrefix(kv, "LANG")
	})
	return append(env, "LC_ALL=C")
}
