//go:build !linux

package localpg

import "syscall"

// childAttr gives the child a process group of its own, so that Ctrl-C in a terminal
// reaches only us and PostgreSQL ends last. There is no signal on a parent's death
// here: the next Start ends what was left.
func childAttr(as *account) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: as.cred, Setpgid: true}
}
