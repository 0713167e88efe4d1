package pgtest

import (
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
)

// Environment variables.
const (
	serverEnv    = "TEST_DATABASE_URL"        // address of a server to use instead of the shared server
	dirEnv       = "ROOMLOG_PGTEST_DIR"       // another folder for the shared server
	superviseEnv = "ROOMLOG_PGTEST_SUPERVISE" // folder of the supervisor; if set, the test binary becomes the supervisor
)

const (
	prefix         = "t_"                // prefix of the names of the databases of tests
	templatePrefix = "template_roomlog_" // prefix of the names of migrated databases that are copied

	startWait = 3 * time.Minute // time to wait until the shared server has started
)

func usersFile(dir string) string     { return filepath.Join(dir, "users") }
func doneDir(dir string) string       { return filepath.Join(dir, "done") }
func supervisorLog(dir string) string { return filepath.Join(dir, "supervisor.log") }

// quote returns a name as an SQL identifier.
func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// withDatabase returns the connection string of another database on the same server.
func withDatabase(dsn, name string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return "", fmt.Errorf("%s has to begin with postgres://", serverEnv)
	}
	u.Path = "/" + name
	return u.String(), nil
}
