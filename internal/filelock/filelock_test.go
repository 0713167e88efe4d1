package filelock_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"roomlog/internal/filelock"
)

func open(t *testing.T, name string) *os.File {
	t.Helper()
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTryLock(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "lock")
	lock, err := filelock.TryLock(open(t, name))
	if err != nil {
		t.Fatal(err)
	}
	second := open(t, name)
	if _, err := filelock.TryLock(second); !errors.Is(err, filelock.ErrLocked) {
		t.Errorf("got %v, want %v", err, filelock.ErrLocked)
	}
	if err := second.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("TryLock left the file open: %v", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	lock, err = filelock.TryLock(open(t, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Unlock(); err != nil {
		t.Error(err)
	}
}

// TestUnlock_with_a_copy_of_the_descriptor copies the descriptor, as a fork does, and checks that the lock ends
// nevertheless.
func TestUnlock_with_a_copy_of_the_descriptor(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "lock")
	file := open(t, name)
	duplicate, err := syscall.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(duplicate)
	lock, err := filelock.TryLock(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	lock, err = filelock.TryLock(open(t, name))
	if err != nil {
		t.Fatalf("after Unlock: %v", err)
	}
	_ = lock.Unlock()
}
