package localpg

import "syscall"

// childAttr returns the attributes of the child: a process group of its own, so that Ctrl-C in a terminal reaches only this
// process and PostgreSQL ends last, and the signal of a fast shutdown when this process dies, even by kill -9.
func childAttr(as *account) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: as.cred, Setpgid: true, Pdeathsig: syscall.SIGINT}
}
