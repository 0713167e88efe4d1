package localpg

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// initdb makes the cluster aside and renames it, so that a kill half-way leaves
// nothing that looks usable.
func initdb(ctx context.Context, f folder, as *account, in installation, unsafe bool) error {
	left, _ := filepath.Glob(filepath.Join(f.dir, "postgres.new-*"))
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
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
	}
	if unsafe {
		args = append(args, "--no-sync")
	} else {
		args = append(args, "--data-checksums") // coins lie here: a rotten page has to be noticed
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

// tool runs one program of the installation to its end, as the child's user.
func tool(ctx context.Context, in installation, as *account, dir, input, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(in.bin, name), args...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, childEnv(), strings.NewReader(input)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as.cred}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out[max(0, len(out)-maxLogShown):])
	}
	return nil
}

// syncDir makes the names in a folder outlive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
