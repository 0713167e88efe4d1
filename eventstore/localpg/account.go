package localpg

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the operating system's user that PostgreSQL runs as.
type account struct {
	name     string // empty if the system has no name for the uid
	uid, gid uint32
	cred     *syscall.Credential // nil: the user of this process
}

// childAccount is the user of this process; for root, which PostgreSQL refuses, one without rights.
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
	return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as")
}

// nameOf is the system's name of a user, empty if it has none, as in some containers.
func nameOf(uid int) string {
	u, err := user.LookupId(strconv.Itoa(uid))
	if err != nil {
		return ""
	}
	return u.Username
}

// other tells whether the child runs as somebody else than this process.
func (a *account) other() bool { return a.cred != nil }

// own hands a folder, which this process has just made, to the child alone.
func (a *account) own(dir string) error {
	if err := os.Chmod(dir, 0o700); err != nil { // whatever the umask said
		return err
	}
	if !a.other() {
		return nil
	}
	return os.Lchown(dir, int(a.uid), int(a.gid))
}

// shutOut names the outermost folder on the way to dir that the child may not enter.
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

// access writes who may connect. The socket's folder is shut to everybody else
// already; `peer` asks the kernel once more who is at the other end. The user of
// this process comes in, and so does the child's, for an administrator with psql.
// Both files lie where the child cannot change them.
func (f folder) access(a *account) error {
	me := nameOf(os.Getuid())
	hba, ident := "local all all peer map=roomlog\n", ""
	for _, name := range []string{me, a.name} {
		ident += fmt.Sprintf("roomlog %q %q\n", name, User)
	}
	if me == "" || a.name == "" { // peer has no name to look up: the folder's mode has to do
		hba, ident = "local all all trust\n", ""
	}
	return errors.Join(
		writeFile(f.hba(), hba),
		writeFile(f.ident(), ident),
	)
}

func (f folder) hba() string   { return filepath.Join(f.dir, "pg_hba.conf") }
func (f folder) ident() string { return filepath.Join(f.dir, "pg_ident.conf") }

// writeFile replaces a file in one step. The child has to read it, so it is open to all; it holds no secret.
func writeFile(path, text string) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // fails when all went well: it has another name then
	_, err = tmp.WriteString(text)
	if err := errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(tmp.Name(), path)
}
