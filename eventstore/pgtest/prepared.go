package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"roomlog/eventstore/localpg"
	"roomlog/migrations"
)

const preparedPrefix = "cluster-"

// prepared copies the prepared data directory, which is already migrated, into a folder. If there is none, it creates
// one. Creating it takes a second, copying it a tenth of a second. After an error the caller creates a new data
// directory.
func prepared(ctx context.Context, into string) error {
	dir, err := sharedDir()
	if err != nil {
		return err
	}
	lock, err := lockPrepared(dir, syscall.LOCK_SH)
	if err != nil {
		return err
	}
	defer lock.Close()
	from := preparedDir(dir)
	if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
		if err := prepare(ctx, dir, from, lock); err != nil {
			return err
		}
	}
	to := filepath.Join(into, "postgres")
	if err := exec.CommandContext(ctx, "cp", "-Rp", from, to).Run(); err != nil {
		return errors.Join(fmt.Errorf("copy a data directory: %w", err), os.RemoveAll(to))
	}
	return nil
}

// forget deletes the prepared data directory, which another version of PostgreSQL has written.
func forget() error {
	dir, err := sharedDir()
	if err != nil {
		return err
	}
	lock, err := lockPrepared(dir, syscall.LOCK_EX)
	if err != nil {
		return err
	}
	defer lock.Close()
	return os.RemoveAll(preparedDir(dir))
}

func preparedDir(dir string) string {
	return filepath.Join(dir, preparedPrefix+migrations.Fingerprint()[:16])
}

// lockPrepared locks the data directory that is copied: shared for copying it, exclusively for creating or deleting it.
// Closing the file releases the lock.
func lockPrepared(dir string, how int) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(dir, preparedPrefix+"lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), how); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// prepare creates the prepared data directory, unless another process has created it before the lock was granted. It
// deletes those of other migrations. It returns with a shared lock.
func prepare(ctx context.Context, dir, from string, lock *os.File) (err error) {
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, syscall.Flock(int(lock.Fd()), syscall.LOCK_SH)) }()
	if _, err := os.Stat(from); err == nil {
		return nil
	}
	for _, pattern := range []string{preparedPrefix + "*/PG_VERSION", "prepare-*/postgres.lock"} {
		old, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return err
		}
		for _, file := range old {
			if err := os.RemoveAll(filepath.Dir(file)); err != nil {
				return err
			}
		}
	}
	tmp, err := os.MkdirTemp(dir, "prepare-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	server, err := localpg.Start(ctx, localpg.Config{DataDir: tmp, Unsafe: true})
	if err != nil {
		return err
	}
	_, err = migrations.Apply(ctx, server.DSN(localpg.Database), migrations.Config{})
	if err := errors.Join(err, server.Stop()); err != nil {
		return err
	}
	return os.Rename(filepath.Join(tmp, "postgres"), from)
}
