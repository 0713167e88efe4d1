package filelock

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// ErrLocked means that another process, or another open file of this process, holds the lock.
var ErrLocked = errors.New("the file is locked")

// Lock is the exclusive lock of an open file. The process holds it until Unlock is called.
type Lock struct{ file *os.File }

// TryLock locks an open file, and returns ErrLocked at once if the file is locked. The lock owns the file: Unlock closes
// it. If TryLock fails, it closes the file.
func TryLock(file *os.File) (*Lock, error) {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return &Lock{file}, nil
	}
	_ = file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, ErrLocked
	}
	return nil, fmt.Errorf("lock %s: %w", file.Name(), err)
}

// Unlock releases the lock and closes the file. To close the file is not enough: a child process holds a copy of the
// descriptor between fork and exec, and the lock ends with the last copy.
func (l *Lock) Unlock() error {
	return errors.Join(syscall.Flock(int(l.file.Fd()), syscall.LOCK_UN), l.file.Close())
}
