package localpg

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
)

// Attach returns the connection string of Database on the server that another process runs on the data folder dir. It
// fails with ErrNotRunning if there is no server or the server is not ready.
func Attach(dir string) (string, error) {
	dir, err := resolve(dir)
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("attach to PostgreSQL: %w", ErrNotRunning)
	}
	if err != nil {
		return "", fmt.Errorf("attach to PostgreSQL: %w", err)
	}
	f := folder{dir: dir}
	p, err := f.postmaster()
	switch {
	case err != nil:
		return "", fmt.Errorf("attach to PostgreSQL: %w", err)
	case p.pid == 0 || !isPostmaster(context.Background(), p.pid, f.data()):
		return "", fmt.Errorf("attach to PostgreSQL in %s: %w", dir, ErrNotRunning)
	case p.status != "ready":
		return "", fmt.Errorf("attach to PostgreSQL in %s: %w: it is %s", dir, ErrNotRunning, strings.TrimSpace(p.status))
	}
	return dsn(p.socket, p.port, Database), nil
}

// dsn returns the connection string of a database.
func dsn(socket, port, database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(User), Path: "/" + database}
	u.RawQuery = url.Values{"host": {socket}, "port": {port}, "sslmode": {"disable"}}.Encode()
	return u.String()
}
