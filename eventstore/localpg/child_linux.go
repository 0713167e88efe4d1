package localpg

import "syscall"

// childAttr gives the child a process group of its own, so that Ctrl-C in a terminal
// reaches only us and PostgreSQL ends last, and the signal of a fast shutdown for
// when we die, be it by kill -9.
func childAttr(as *account) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: as.cred, Setpgid: true, Pdeathsig: syscall.SIGINT}
}
