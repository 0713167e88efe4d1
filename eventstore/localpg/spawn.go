package localpg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

const (
	poll        = 5 * time.Millisecond
	maxLog      = 10 << 20 // then the log starts anew, and the old one is kept once
	maxLogShown = 4 << 10
	spawnTries  = 20 // the backends of a killed PostgreSQL need a moment to notice
	spawnPause  = 250 * time.Millisecond
)

// child is one PostgreSQL process.
type child struct {
	pid     int
	process *os.Process
	exited  chan struct{}
	err     error // why it ended; read after exited
}

// spawn starts PostgreSQL and waits until it is ready.
func (s *Server) spawn(ctx context.Context, c Config, as *account) (*child, error) {
	for try := 1; ; try++ {
		ch, err := s.spawnOnce(ctx, c, as)
		if err == nil || try == spawnTries || !strings.Contains(err.Error(), "pre-existing shared memory block") {
			return ch, err
		}
		killSurvivors(s.folder.data())
		if err := pause(ctx, spawnPause); err != nil {
			return nil, err
		}
	}
}

func (s *Server) spawnOnce(ctx context.Context, c Config, as *account) (*child, error) {
	logFile, logStart, err := openLog(s.folder.log())
	if err != nil {
		return nil, err
	}
	defer logFile.Close()
	cmd := exec.Command(filepath.Join(s.install.bin, "postgres"), s.arguments(c)...) // not CommandContext: Stop says how it ends
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.folder.data(), childEnv(), logFile, logFile
	cmd.SysProcAttr = childAttr(as)
	ch, err := run(cmd)
	if err != nil {
		return nil, err
	}
	if err := s.awaitReady(ctx, ch); err != nil {
		ch.stop()
		return nil, fmt.Errorf("%w\n%s", err, logTail(s.folder.log(), logStart))
	}
	return ch, nil
}

// run starts the command from a thread that lives as long as the command: the
// parent-death signal fires when the thread that forked ends.
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

// awaitReady waits for the word "ready" in postmaster.pid; after a crash PostgreSQL replays its log first.
func (s *Server) awaitReady(ctx context.Context, ch *child) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		select {
		case <-ch.exited:
			return fmt.Errorf("postgres ended at once: %w", cmp.Or(ch.err, errors.New("exit status 0")))
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			if p, err := s.folder.postmaster(); err == nil && p.pid == ch.pid && p.status == "ready" {
				return nil
			}
		}
	}
}

// arguments are the settings, all on the command line, so that no file in the cluster decides.
func (s *Server) arguments(c Config) []string {
	set := map[string]string{
		"listen_addresses":        "",
		"unix_socket_directories": s.folder.socket,
		"unix_socket_permissions": "0700",
		"port":                    port,
		"hba_file":                s.folder.hba(),
		"ident_file":              s.folder.ident(),
		"max_connections":         "200",
		"shared_buffers":          "64MB",
		"fsync":                   "on",
		"synchronous_commit":      "on",
		"wal_level":               "minimal", // nobody follows the WAL: an idle server then writes none
		"max_wal_senders":         "0",
		"jit":                     "off",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		"log_error_verbosity":     "terse", // a DETAIL line would quote what people wrote
	}
	if c.Unsafe {
		maps.Copy(set, map[string]string{
			"fsync": "off", "full_page_writes": "off", // a killed process still loses nothing
			"max_wal_size": "2GB", "checkpoint_timeout": "1h",
			"autovacuum": "off", // its workers would disturb the cloning of databases
		})
	}
	maps.Copy(set, c.Settings)
	args := []string{"-D", s.folder.data()}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		args = append(args, "-c", name+"="+set[name])
	}
	return args
}

// childEnv is our environment without what would steer PostgreSQL: PGDATA, PGPORT, locales.
func childEnv() []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		return strings.HasPrefix(kv, "PG") || strings.HasPrefix(kv, "LC_") || strings.HasPrefix(kv, "LANG")
	})
	return append(env, "LC_ALL=C")
}

// openLog opens the server's log for appending and says where the new part begins.
func openLog(path string) (*os.File, int64, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".old"); err != nil {
			return nil, 0, err
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, 0, err
	}
	start, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, start, nil
}

// logTail is what the log says since a position, its end if that is long.
func logTail(path string, start int64) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil {
		start = max(start, info.Size()-maxLogShown)
	}
	b, _ := io.ReadAll(io.NewSectionReader(f, start, maxLogShown))
	return strings.TrimSpace(string(b))
}

// pause waits, unless the context ends first.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
