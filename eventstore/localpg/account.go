package localpg

import (
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the operating system user that PostgreSQL runs as.
type account struct {
	name     string // name of the user; empty if the uid has no name
	uid, gid uint32
	cred     *syscall.Credential // credential of another user; nil: the user of this process
}

// childAccount returns the user that PostgreSQL runs as. This is the user of this process. If this process is root, it
// is an unprivileged user, because PostgreSQL refuses to run as root.
func childAccount() (*account, error) {
	if uid := os.Getuid(); uid != 0 {
		return &account{name: nameOf(uid), uid: uint32(uid), gid: uint32(os.Getgid())}, nil
	}
	for _, name := range []string{"postgres", "_postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 != nil || err2 != nil || uid == 0 {
			continue
		}
		cred := &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		return &account{name: name, uid: cred.Uid, gid: cred.Gid, cred: cred}, nil
	}
	return nil, errors.New("PostgreSQL does not run as root, and this system has neither a user postgres nor a user nobody to run it as")
}

// nameOf returns the name of the user with a uid, or "" if the uid has no name, as in some containers.
func nameOf(uid int) string {
	u, err := user.LookupId(strconv.Itoa(uid))
	if err != nil {
		return ""
	}
	return u.Username
}

// other reports whether PostgreSQL runs as another user than this process.
func (a *account) other() bool { return a.cred != nil }

// own makes the user of the account the owner of a folder that this process has just created, with mode 0700.
func (a *account) own(dir string) error {
	if err := os.Chmod(dir, 0o700); err != nil { // sets the mode regardless of the umask
		return err
	}
	if !a.other() {
		return nil
	}
	return os.Lchown(dir, int(a.uid), int(a.gid))
}

// shutOut returns the outermost folder on the path to dir that the user of the account may not enter. It returns "" if
// that user may enter all of them.
func (a *account) shutOut(dir string) string {
	if up := filepath.Dir(dir); up != dir {
		if shut := a.shutOut(up); shut != "" {
			return shut
		}
	}
	if a.canEnter(dir) {
		return ""
	}
	return dir
}

// canEnter reports whether a process of the account may enter dir. This needs the execute permission.
func (a *account) canEnter(dir string) bool {
	info, err := os.Stat(dir)
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	switch perm := info.Mode().Perm(); {
	case st.Uid == a.uid:
		return perm&0o100 != 0
	case st.Gid == a.gid:
		return perm&0o010 != 0
	default:
		return perm&0o001 != 0
	}
}
