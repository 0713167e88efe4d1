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

	"roomlog/internal/filelock"
)

const (
	port          = "5432" // occurs only in the name of the socket: there is no TCP port
	maxSocketPath = 100    // maximum length in bytes; the kernel permits 104 to 108
	maxSmallFile  = 64 << 10
)

// folder holds the paths in a data folder.
type folder struct {
	dir    string // absolute path without symbolic links
	socket string // path of the folder with the socket
}

func (f folder) data() string { return filepath.Join(f.dir, "postgres") }
func (f folder) log() string  { return filepath.Join(f.dir, "postgres.log") }
func (f folder) lock() string { return filepath.Join(f.dir, "postgres.lock") }

// openFolder creates the data folder and the folder of the socket, and checks that the PostgreSQL process can reach
// them.
func openFolder(dir string, as *account) (folder, error) {
	mode := fs.FileMode(0o700)
	if as.other() {
		mode = 0o711 // the PostgreSQL process may enter the folder, but not list it
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

// resolve returns the absolute path of dir without symbolic links. A server is therefore recognised even if it was
// started with another path to the same folder.
func resolve(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(dir)
}

// letIn permits the PostgreSQL process to enter the data folder. It fails if that process may not enter a parent
// folder, because this process must not change parent folders.
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

// socketDir returns run/ in the data folder, or a folder in /tmp if the path of run/ is too long for a socket.
func socketDir(dir string) string {
	run := filepath.Join(dir, "run")
	if len(filepath.Join(run, ".s.PGSQL."+port)) <= maxSocketPath {
		return run
	}
	h := fnv.New64a()
	_, _ = io.WriteString(h, dir)
	return fmt.Sprintf("/tmp/roomlog-%d-%016x", os.Getuid(), h.Sum64())
}

// privateDir creates a folder that only root and the user of the PostgreSQL process can enter. If the folder exists,
// privateDir only checks its owner and its mode, because a folder in /tmp may belong to another user.
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

// acquire takes the lock of the data folder. The kernel releases the lock when this process ends for any reason.
func (f folder) acquire() (*filelock.Lock, error) {
	file, err := os.OpenFile(f.lock(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	lock, err := filelock.TryLock(file)
	if errors.Is(err, filelock.ErrLocked) {
		return nil, fmt.Errorf("%s: %w", f.dir, ErrInUse)
	}
	return lock, err
}

// major returns the major version of the data, or 0 if there is no data. Data without a version is an error, so that it
// is never overwritten.
func (f folder) major() (int, error) {
	b, err := readSmall(filepath.Join(f.data(), "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(f.data()); err == nil {
			return 0, fmt.Errorf("%s has no PG_VERSION: it is not a PostgreSQL data directory", f.data())
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

// readSmall reads at most maxSmallFile bytes of a file that the PostgreSQL process may have written.
func readSmall(path string) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSmallFile))
	return string(b), err
}
