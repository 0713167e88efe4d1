package pgtest

import (
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
)

// Variables of the environment.
const (
	serverEnv    = "TEST_DATABASE_URL"        // the address of a server to use instead of the shared one
	dirEnv       = "ROOMLOG_PGTEST_DIR"       // another folder for the shared server
	superviseEnv = "ROOMLOG_PGTEST_SUPERVISE" // the folder of the supervisor; makes a test binary the supervisor
)

const (
	prefix         = "t_"                // of the names of tests' databases
	templatePrefix = "template_roomlog_" // of the names of migrated databases that are copied

	startWait = 90 * time.Second // for the shared server to start
)

func usersFile(dir string) string     { return filepath.Join(dir, "users") }
func doneDir(dir string) string       { return filepath.Join(dir, "done") }
func supervisorLog(dir string) string { return filepath.Join(dir, "supervisor.log") }

// quote returns a name as an identifier of SQL.
func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// withDatabase returns the connection string of another database of the same server.
func withDatabase(dsn, name string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return "", fmt.Errorf("%s has to begin with postgres://", serverEnv)
	}
	u.Path = "/" + name
	return u.String(), nil
}
