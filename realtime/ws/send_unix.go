//go:build unix && !linux

package ws

import "syscall"

// writeNow is one write to a socket that does not block.
func writeNow(fd uintptr, p []byte) (int, error) { return syscall.Write(int(fd), p) }
