package eventstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Errors of Sequencer.Execute that are not refusals. After ErrBusy, ErrClosed and ErrUnavailable the command was not
// executed and will not be.
var (
	// ErrBusy means that the queue of commands is full, or that the log has another history than the request. Execute
	// returns it immediately.
	ErrBusy = errors.New("the log cannot take more commands at the moment")
	// ErrClosed means that the sequencer is shutting down.
	ErrClosed = errors.New("the log is shutting down")
	// ErrUnavailable means that the database has been unreachable for SequencerConfig.Timeout.
	ErrUnavailable = errors.New("the database cannot be written at the moment")
	// ErrOutcomeUnknown means that the connection broke during the commit, and that the database then was unreachable
	// for too long to find out the outcome. Repeat the request with the same idempotency key.
	ErrOutcomeUnknown = errors.New("whether the command was carried out is not known")
)

// ErrAnotherLog means that the database contains a different log from the one that the process has opened: the address
// now belongs to the database of another roomlog. Restart the process.
var ErrAnotherLog = errors.New("the database contains the log of another roomlog: check DATABASE_URL, and start this process again if it is right")

// Errors of Sequencer.CheckWritable.
var (
	// ErrReadOnly means that the database is a standby.
	ErrReadOnly = errors.New("the database is read-only (a standby): promote it, or let the address of the database lead to the primary")
	// ErrDiskFull means that the disk of the database is full, so events cannot be stored.
	ErrDiskFull = errors.New("the disk of the database is full: free space or enlarge it")
	// ErrNoSynchronousStandby means that SequencerConfig.RequireSynchronous is set and that no synchronous standby is
	// connected to the primary, or that none has confirmed a commit in time.
	ErrNoSynchronousStandby = errors.New("no synchronous standby confirms commits: connect a standby, and name it in synchronous_standby_names of the primary")
)

// LockHeldError means that another database session has held a lock for longer than SequencerConfig.Timeout. It is the
// lock of the log, or a lock on a table that commands write.
type LockHeldError struct {
	PID         int
	Application string    // application_name of the session that holds the lock; empty if the database does not show it
	Table       string    // table that is locked; empty: the lock of the log
	Since       time.Time // time when this process first noticed the session
}

// Error returns a sentence that identifies the session and says what to do.
func (e *LockHeldError) Error() string {
	application := e.Application
	if application == "" {
		application = "unknown"
	}
	lock := "the lock of the log"
	if e.Table != "" {
		lock = "a lock on table " + e.Table
	}
	return fmt.Sprintf("another database session (pid %d, application %s, since %s) holds %s: end it, for example with pg_terminate_backend",
		e.PID, application, e.Since.UTC().Format(time.RFC3339), lock)
}

// StandbysHiddenError means that the database does not show the state of standbys to the role of this process. Only
// SequencerConfig.RequireSynchronous needs it.
type StandbysHiddenError struct{ Role string }

// Error returns a sentence that contains the statement that grants the right.
func (e *StandbysHiddenError) Error() string {
	return fmt.Sprintf("the database does not show its standbys to this process: execute GRANT pg_read_all_stats TO %s as a superuser", e.Role)
}

// NotPermittedError means that a table is missing that commands write, or that the database role of this process lacks a
// right to it.
type NotPermittedError struct{ Table string }

// Error returns a sentence that names the table and says what to do.
func (e *NotPermittedError) Error() string {
	return fmt.Sprintf("table %s is missing, or the database role of this process may not write it: run roomlog migrate, which grants the rights", e.Table)
}

// Errors of cursors.
var (
	// ErrInvalidCursor means that a string is not a cursor.
	ErrInvalidCursor = errors.New("not a cursor: expected 0 or position.tag")
	// ErrCursorLost means that this log does not contain the event of a cursor: the log was restored to an earlier
	// state, or the cursor belongs to another log. The reader must start again without this cursor.
	ErrCursorLost = errors.New("the cursor follows an event that this log does not have")
)

var (
	errEncoding = errors.New("an event cannot be encoded")
	errStandby  = fmt.Errorf("the database is a standby and lacks events that this process knows: %w", ErrUnavailable)
	errNotNext  = errors.New("a version is missing between the state and the event")
)

// DecodeError reports an event that this program cannot decode.
type DecodeError struct {
	Position int64
	Type     string
	Err      error
}

// Error returns a message with the event and the cause.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("event %s at position %d cannot be read: %v", e.Type, e.Position, e.Err)
}

// Unwrap returns the cause.
func (e *DecodeError) Unwrap() error { return e.Err }

// IsUnavailable reports whether err is temporary: the database cannot be reached, is starting or stopping, or is too slow.
func IsUnavailable(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	var server *pgconn.PgError
	switch {
	case errors.Is(err, ErrUnavailable), errors.Is(err, ErrClosed), errors.Is(err, ErrOutcomeUnknown), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &connect), errors.As(err, &network) && !isErrno(network):
		return true
	case errors.As(err, &server):
		return isConnectionLost(server)
	}
	return err != nil && strings.HasSuffix(err.Error(), "conn closed") // pgconn does not export this error
}

// isErrno reports whether err is an error of the system outside a *net.OpError, such as that of a file on a full disk. Its type has the
// methods of a net.Error, but it says nothing about the network.
func isErrno(err net.Error) bool {
	_, is := err.(syscall.Errno)
	return is
}

// IsOutage reports whether err certainly follows from a database that cannot be reached, is starting or stopping, or is too slow.
// Unlike IsUnavailable it is false for errors of other connections, for ended contexts, and for ErrOutcomeUnknown, which somebody
// has to look into.
func IsOutage(err error) bool {
	var connect *pgconn.ConnectError
	var server *pgconn.PgError
	switch {
	case errors.Is(err, ErrOutcomeUnknown):
		return false
	case errors.Is(err, ErrUnavailable), errors.As(err, &connect), pgconn.Timeout(err), pgconn.SafeToRetry(err):
		return true
	}
	return errors.As(err, &server) && isConnectionLost(server)
}

// isConnectionLost reports whether the database has ended a connection, or refuses it because it is starting or stopping.
func isConnectionLost(err *pgconn.PgError) bool {
	return strings.HasPrefix(err.Code, "57P") || strings.HasPrefix(err.Code, "08")
}
