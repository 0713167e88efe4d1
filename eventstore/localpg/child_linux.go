package localpg

import "syscall"

// childAttr returns the attributes of the PostgreSQL process. The process has its own process group, so that Ctrl-C in
// a terminal reaches only this process and PostgreSQL ends last. When this process dies, even by kill -9, PostgreSQL
// receives the signal of a fast shutdown.
func childAttr(as *account) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: as.cred, Setpgid: true, Pdeathsig: syscall.SIGINT}
}
