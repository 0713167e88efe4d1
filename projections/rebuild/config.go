package rebuild

import (
	"errors"
	"log/slog"
	"time"

	"roomlog/eventstore/transparency/tree"
	"roomlog/projections"
)

// Config configures Run and Rollback.
type Config struct {
	Now         func() time.Time         // clock; required
	Log         *slog.Logger             // receives the messages of the program; nil: none
	Progress    func(Progress)           // called about once a second; nil: not called
	Force       bool                     // whether to switch even if the new tables differ from the tables in use
	Projections []projections.Projection // projections to rebuild; nil: all
	LockTimeout time.Duration            // maximum wait for the lock of migrations; 0: its default
}

// VerifyConfig configures Verify.
type VerifyConfig struct {
	Now         func() time.Time         // clock; required
	Progress    func(Progress)           // called about once a second; may be nil
	Projections []projections.Projection // projections to verify; nil: all
	Kept        []tree.Kept              // signed checkpoints that were kept outside the database
}

// Errors of Run and Rollback.
var (
	// ErrDifferent means that the new tables differ from the tables in use, although both have the same versions and
	// were derived from the same log. One of them is wrong. The tables in use remain in use. Report.Differences
	// contains the rows.
	ErrDifferent = errors.New("the rebuilt tables differ from the ones in use")
	// ErrInProgress means that another rebuild or rollback of this database is running.
	ErrInProgress = errors.New("another rebuild is running")
	// ErrNoReplacedTables means that there are no tables to go back to: no rebuild has replaced any, or they were
	// dropped.
	ErrNoReplacedTables = errors.New("there are no earlier tables to go back to")
	// ErrIncomplete means that the tables to put into use lack a table: they were replaced before a migration added it.
	// The tables in use remain in use.
	ErrIncomplete = errors.New("the earlier tables do not fit this program")
)

// errMigrated means that the database was migrated while a rebuild filled tables with the former columns.
var errMigrated = errors.New("the database was migrated during the rebuild: rebuild again")

// errSwitched means that other tables were put into use during a verification.
var errSwitched = errors.New("the tables were switched during the verification")
