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
	"slices"
	"strings"
	"time"

	"roomlog/internal/wait"
)

const (
	maxLog      = 10 << 20 // maximum size in bytes; the next start renames a larger log to postgres.log.old
	maxLogShown = 4 << 10
	spawnTries  = 20 // number of attempts; the backends of a killed server end after a moment
	spawnDelay  = 250 * time.Millisecond
)

// spawn starts PostgreSQL and blocks until it accepts connections. It repeats the start while backends of a killed
// server are running.
func spawn(ctx context.Context, c Config, f folder, in installation, as *account) (*child, error) {
	for try := 1; ; try++ {
		ch, err := spawnOnce(ctx, c, f, in, as)
		if err == nil || try == spawnTries || !strings.Contains(err.Error(), "pre-existing shared memory block") {
			return ch, err
		}
		killSurvivors(f.data())
		if !wait.Sleep(ctx, spawnDelay) {
			return nil, ctx.Err()
		}
	}
}

func spawnOnce(ctx context.Context, c Config, f folder, in installation, as *account) (*child, error) {
	logFile, logStart, err := openLog(f.log())
	if err != nil {
		return nil, err
	}
	defer logFile.Close()
	cmd := exec.Command(filepath.Join(in.bin, "postgres"), arguments(c, f)...) // not CommandContext, because only Stop may end the server
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = f.data(), childEnv(), logFile, logFile
	cmd.SysProcAttr = childAttr(as)
	ch, err := run(cmd)
	if err != nil {
		return nil, err
	}
	if err := awaitReady(ctx, f, ch); err != nil {
		ch.stop()
		return nil, fmt.Errorf("%w\n%s", err, logTail(f.log(), logStart))
	}
	return ch, nil
}

// awaitReady blocks until the status in postmaster.pid is "ready". After a crash PostgreSQL first replays its
// write-ahead log.
func awaitReady(ctx context.Context, f folder, ch *child) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		select {
		case <-ch.exited:
			return fmt.Errorf("postgres ended at once: %w", cmp.Or(ch.err, errors.New("exit status 0")))
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			if p, err := f.postmaster(); err == nil && p.pid == ch.pid && p.status == "ready" {
				return nil
			}
		}
	}
}

// arguments returns the command line of the server. It contains all settings, so the configuration files in the data
// directory have no effect.
func arguments(c Config, f folder) []string {
	set := map[string]string{
		"listen_addresses":        "",
		"unix_socket_directories": f.socket,
		"unix_socket_permissions": "0700",
		"port":                    port,
		"hba_file":                f.hba(),
		"ident_file":              f.ident(),
		"max_connections":         "200",
		"shared_buffers":          "64MB",
		"fsync":                   "on",
		"synchronous_commit":      "on",
		"wal_level":               "minimal", // there are no replicas; an idle server writes nothing
		"max_wal_senders":         "0",
		"jit":                     "off",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		"log_error_verbosity":     "terse", // omits DETAIL lines, which would quote texts of users
	}
	if c.Unsafe {
		maps.Copy(set, map[string]string{
			"fsync": "off", "full_page_writes": "off", // safe as long as only processes are killed
			"max_wal_size": "2GB", "checkpoint_timeout": "1h",
			"autovacuum": "off", // its workers would disturb the copying of databases
		})
	}
	maps.Copy(set, c.Settings)
	args := []string{"-D", f.data()}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		args = append(args, "-c", name+"="+set[name])
	}
	return args
}

// openLog opens the log of the server for appending, and returns its size.
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

// logTail returns the log from the offset start on, but at most the last 4 KiB.
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
