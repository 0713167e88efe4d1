//go:build !linux

package localpg

import "syscall"

// childAttr returns the attributes of the child: a process group of its own, so that Ctrl-C in a terminal reaches only this
// process and PostgreSQL ends last. This system sends no signal to a child when its parent dies, so that the next Start stops
// the server.
func childAttr(as *account) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: as.cred, Setpgid: true}
}
