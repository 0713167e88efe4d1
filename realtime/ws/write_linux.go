package ws

import (
	"syscall"
	"unsafe"
)

// writeNow writes to a non-blocking socket. It does not announce the system call to the scheduler. Otherwise a worker
// that writes to a thousand sockets would lose its thread a dozen times, and waking other threads would take a quarter
// of the time.
func writeNow(fd uintptr, p []byte) (int, error) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}
