package localpg

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const (
	port          = "5432" // names the socket file only; the folder around it is private
	maxSocketPath = 100    // the kernel takes 104 to 108 bytes
	maxSmallFile  = 64 << 10
)

// folder is the data folder and where things are in it.
type folder struct {
	dir    string // absolute, without symbolic links
	socket string // the folder of the socket
}

func (f folder) data() string { return filepath.Join(f.dir, "postgres") }
func (f folder) log() string  { return filepath.Join(f.dir, "postgres.log") }
func (f folder) lock() string { return filepath.Join(f.dir, "postgres.lock") }

// openFolder makes the data folder and the socket's folder, and checks that the
// child can reach them.
func openFolder(dir string, as *account) (folder, error) {
	mode := fs.FileMode(0o700)
	if as.other() {
		mode = 0o711 // the child walks through it and may not list it
	}
	if err := os.MkdirAll(dir, mode); err != nil {
		return folder{}, err
	}
	dir, err := resolve(dir)
	if err != nil {
		return folder{}, err
	}
	if err := letIn(dir, as); err != nil {
		return folder{}, err
	}
	f := folder{dir: dir, socket: socketDir(dir)}
	return f, privateDir(f.socket, as)
}

// resolve gives one folder one name, so that a server started under another name is recognised.
func resolve(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(dir)
}

// letIn opens the data folder itself to the child, and refuses if a folder above it is shut:
// that one is not ours to change.
func letIn(dir string, as *account) error {
	if !as.other() {
		return nil
	}
	if !as.canEnter(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if err := os.Chmod(dir, info.Mode().Perm()|0o011); err != nil {
			return err
		}
	}
	if shut := as.shutOut(dir); shut != "" {
		return fmt.Errorf("root starts PostgreSQL as user %s, who may not enter %s: choose another data folder (--data) or chmod o+x %s",
			as.name, shut, shut)
	}
	return nil
}

// socketDir is run/ in the data folder, or a short name in /tmp where that is too long for a socket.
func socketDir(dir string) string {
	run := filepath.Join(dir, "run")
	if len(filepath.Join(run, ".s.PGSQL."+port)) <= maxSocketPath {
		return run
	}
	h := fnv.New64a()
	_, _ = io.WriteString(h, dir)
	return fmt.Sprintf("/tmp/roomlog-%d-%016x", os.Getuid(), h.Sum64())
}

// privateDir makes a folder that only the child (and root) can enter. One that is
// there already is never changed, only checked: in /tmp a stranger may have made it.
func privateDir(dir string, as *account) error {
	err := os.Mkdir(dir, 0o700)
	if err == nil {
		return as.own(dir)
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || owner.Uid != as.uid || info.Mode().Perm() != 0o700 {
		return fmt.Errorf("%s is not a folder of user %s with mode 0700: remove it", dir, as.name)
	}
	return nil
}

// acquire takes the lock of the data folder; the kernel frees it when this process ends, however it ends.
func (f folder) acquire() (*os.File, error) {
	lock, err := os.OpenFile(f.lock(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: %w", f.dir, ErrInUse)
		}
		return nil, fmt.Errorf("lock %s: %w", f.lock(), err)
	}
	return lock, nil
}

// major is the version the data was made by, 0 if there is none yet. Data that
// does not say is an error: taking it for none would bury it.
func (f folder) major() (int, error) {
	b, err := readSmall(filepath.Join(f.data(), "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(f.data()); err == nil {
			return 0, fmt.Errorf("%s has no PG_VERSION: it is not a PostgreSQL cluster", f.data())
		}
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(b))
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("%s/PG_VERSION is not a version: %.20q", f.data(), b)
	}
	return n, nil
}

// readSmall reads a file the child may have written, and no more of it than it should hold.
func readSmall(path string) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSmallFile))
	return string(b), err
}
