package localpg

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const toolTimeout = 5 * time.Second // time for reading the output of a killed program

// initdb creates the data directory of PostgreSQL under a temporary name and renames it, so that an interrupted start
// does not leave an incomplete one.
func initdb(ctx context.Context, f folder, as *account, in installation, unsafe bool) error {
	tmp, err := os.MkdirTemp(f.dir, "postgres.new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := as.own(tmp); err != nil {
		return err
	}
	data := filepath.Join(tmp, "data")
	args := []string{
		"-D", data, "-U", User, "--encoding=UTF8", "--locale=C",
		"--auth-local=peer", "--auth-host=reject", "--no-instructions",
		"--data-checksums", // lets PostgreSQL detect damaged pages
	}
	if unsafe {
		args = append(args, "--no-sync")
	}
	if err := tool(ctx, in, as, tmp, "", "initdb", args...); err != nil {
		return err
	}
	if err := tool(ctx, in, as, tmp, "CREATE DATABASE "+Database+"\n", "postgres", "--single", "-D", data,
		"-c", "wal_level=minimal", "-c", "max_wal_senders=0", "postgres"); err != nil {
		return err
	}
	if err := os.Rename(data, f.data()); err != nil {
		return err
	}
	return syncDir(f.dir)
}

// tool runs a program of the installation as the user of the PostgreSQL process, and blocks until the program ends.
func tool(ctx context.Context, in installation, as *account, dir, input, name string, args ...string) error {
	names, err := as.nameEnv(dir)
	if err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(in.bin, name), args...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, append(childEnv(), names...), strings.NewReader(input)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr, cmd.WaitDelay = childAttr(as), toolTimeout
	ch, err := run(cmd)
	if err != nil {
		return err
	}
	select {
	case <-ch.exited:
	case <-ctx.Done():
		_ = syscall.Kill(-ch.pid, syscall.SIGKILL) // kills the whole process group, because initdb has child processes
		<-ch.exited
		return fmt.Errorf("%s: %w", name, ctx.Err())
	}
	if ch.err != nil {
		return fmt.Errorf("%s: %w\n%s", name, ch.err, out.Bytes()[max(0, out.Len()-maxLogShown):])
	}
	return nil
}

// removeLeftovers deletes the temporary files of an interrupted start. The caller must hold the lock of the data
// folder.
func removeLeftovers(ctx context.Context, f folder, log *slog.Logger) {
	for _, pattern := range []string{"postgres.new-*", "postgresql.new-*"} {
		left, _ := filepath.Glob(filepath.Join(f.dir, pattern))
		for _, path := range left {
			if err := os.RemoveAll(path); err != nil { // not fatal: the next start tries again
				log.WarnContext(ctx, "leftovers of an earlier start not removed", slog.Any("error", err))
			}
		}
	}
}

// syncDir flushes the directory entries of a folder to the disk.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
