//go:build unix && !linux

package ws

import "syscall"

// writeNow writes to a non-blocking socket.
func writeNow(fd uintptr, p []byte) (int, error) { return syscall.Write(int(fd), p) }
