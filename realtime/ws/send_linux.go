package ws

import (
	"syscall"
	"unsafe"
)

// writeNow is one write to a socket that does not block. It does not tell the scheduler, for which such a call may
// last: a worker that writes to a thousand sockets would lose its place a dozen times, and threads would be woken
// for nothing, at a quarter of what the writes cost.
func writeNow(fd uintptr, p []byte) (int, error) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}
