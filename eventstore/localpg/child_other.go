//go:build !linux

package localpg

import "syscall"

// childAttr returns the attributes of the PostgreSQL process. The process has its own process group, so that Ctrl-C in
// a terminal reaches only this process and PostgreSQL ends last. This operating system sends no signal to a child
// process when its parent dies; instead, the next Start stops the server.
func childAttr(as *account) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: as.cred, Setpgid: true}
}
