package localpg

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// access writes pg_hba.conf and pg_ident.conf. These files permit two operating system users to connect: the user of
// this process, and the user that PostgreSQL runs as, for an administrator with psql. The mode of the socket's folder
// excludes all other users. With the method "peer", PostgreSQL gets the user of a connection from the kernel. The
// PostgreSQL process cannot change the files.
func (f folder) access(a *account) error {
	me := nameOf(os.Getuid())
	hba, ident := "local all all peer map=roomlog\n", ""
	for _, name := range []string{me, a.name} {
		ident += fmt.Sprintf("roomlog %q %q\n", name, User)
	}
	if me == "" || a.name == "" { // the method "peer" needs user names; without names, only the mode of the folder protects the socket
		hba, ident = "local all all trust\n", ""
	}
	return errors.Join(
		writeFile(f.hba(), hba),
		writeFile(f.ident(), ident),
	)
}

func (f folder) hba() string   { return filepath.Join(f.dir, "pg_hba.conf") }
func (f folder) ident() string { return filepath.Join(f.dir, "pg_ident.conf") }

// writeFile replaces a file atomically. All users can read the file, because the user of the PostgreSQL process must.
// It contains no secret.
func writeFile(path, text string) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // removes the file after an error; after a success it was renamed
	_, err = tmp.WriteString(text)
	if err := errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(tmp.Name(), path)
}
