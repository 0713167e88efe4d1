package rebuild

import (
	"errors"
	"log/slog"
	"time"

	"roomlog/projections"
)

// Config configures Run and Rollback.
type Config struct {
	Now         func() time.Time         // required
	Log         *slog.Logger             // nil: silent
	Progress    func(Progress)           // nil: none; called about once a second
	Force       bool                     // switch even if the new tables differ from the tables in use
	Projections []projections.Projection // nil: all
	LockTimeout time.Duration            // for the lock of migrations; 0: its default
}

// VerifyConfig configures Verify.
type VerifyConfig struct {
	Now         func() time.Time         // required
	Progress    func(Progress)           // nil: none; called about once a second
	Projections []projections.Projection // nil: all
}

// Errors of Run and Rollback.
var (
	// ErrDifferent means that tables of the same versions, derived from the same log, differ: the old tables or the new
	// tables are wrong. The old tables remain in use; Report.Differences contains the rows.
	ErrDifferent = errors.New("the rebuilt tables differ from the ones in use")
	// ErrInProgress means that another rebuild or rollback of this database is running.
	ErrInProgress = errors.New("another rebuild is running")
	// ErrNoReplacedTables means that no rebuild has replaced tables that still exist.
	ErrNoReplacedTables = errors.New("there are no earlier tables to go back to")
)

// errMigrated means that the database was migrated while a rebuild created tables of the former schema.
var errMigrated = errors.New("the database was migrated during the rebuild: rebuild again")

// errSwitched means that other tables were put into use during a verification.
var errSwitched = errors.New("the tables were switched during the verification")
