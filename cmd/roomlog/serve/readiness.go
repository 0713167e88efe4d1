package serve

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"roomlog/api"
	"roomlog/cmd/roomlog/cli"
	"roomlog/eventstore"
	"roomlog/eventstore/consumer"
	"roomlog/eventstore/replica"
	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/tree"
	"roomlog/internal/pgsession"
	"roomlog/migrations"
	"roomlog/projections"
)

// blockedLag is the lag of the tables above which the check looks for the session that blocks the projector.
const blockedLag = 2 * time.Second

// treeTimeout is the maximum time for reading the state of the transparency log. It is short, because another session may
// have locked its tables.
const treeTimeout = 300 * time.Millisecond

// readiness contains the checks of /readyz. If a check fails, a load balancer sends requests to other nodes.
type readiness struct {
	backend   *backend
	stopping  atomic.Bool
	maxLag    time.Duration
	witnesses *transparency.Witnesses // witnesses of the transparency log; nil: none
	more      []api.Check             // checks of parts that only some processes run
}

// checks returns all checks in the order in which they are called.
func (r *readiness) checks() []api.Check {
	checks := []api.Check{
		{Name: "process", Run: r.process},
		{Name: "database", Run: r.database},
		{Name: "log", Run: r.log},
		{Name: "roles", Run: r.roles},
		{Name: "tables", Run: r.tables},
		{Name: "coins", Run: r.coins},
		{Name: "transparency", Run: r.tree},
	}
	if r.backend.events.Configured() {
		checks = append(checks, api.Check{Name: "replica", Run: r.replica})
	}
	if r.backend.nats != nil {
		checks = append(checks, api.Check{Name: "nats", Run: r.nats})
	}
	return append(checks, r.more...)
}

// replica reports whether the standby serves reads. It never fails, because the primary otherwise serves them.
func (r *readiness) replica(context.Context) (string, error) {
	s := r.backend.events.Status()
	if s.Err != nil {
		note := replica.Cause(s.Err)
		return "not used: " + note, api.Degraded("the read replica is not used: " + note)
	}
	note := fmt.Sprintf("used up to %d", s.Position)
	if s.Lacks > 0 {
		note += fmt.Sprintf(", %.1f s behind", s.Behind.Seconds())
	}
	if s.Far {
		return note, api.Degraded(fmt.Sprintf("the read replica lacks %d events, the oldest since %.0f s: they are read from the primary", s.Lacks, s.Behind.Seconds()))
	}
	return note, nil
}

// nats reports whether released events arrive over NATS. It never fails, because the feed otherwise reads them in PostgreSQL.
func (r *readiness) nats(context.Context) (string, error) {
	s := r.backend.feed.Relay()
	switch {
	case !s.Received:
		note := "events are read in PostgreSQL: " + s.Cause
		return note, api.Degraded("NATS is not used, " + note)
	case s.Active:
		return "receiving, this process is the relay", nil
	}
	return "receiving", nil
}

func (r *readiness) process(context.Context) (string, error) {
	if r.stopping.Load() {
		return "stopping", errors.New("this process is stopping")
	}
	return "ok", nil
}

// errNoLog means that the database has no tables of roomlog.
var errNoLog = errors.New("the database has no log of roomlog: the address of the database is wrong, or a restore is not complete; do not migrate it, because that creates a new, empty log")

// undefinedRole is the SQLSTATE with which a database refuses a session whose role it does not have.
const undefinedRole = "22023"

// database checks that the database responds and has a log, and reports its schema version.
func (r *readiness) database(ctx context.Context) (string, error) {
	var found bool
	var refused *pgconn.PgError
	switch err := r.backend.pool.QueryRow(ctx, "SELECT to_regclass('public.store') IS NOT NULL").Scan(&found); {
	case errors.As(err, &refused) && refused.Code == undefinedRole:
		return fmt.Sprintf("the database has no role %s: the address of the database is wrong, or a restore lacks the roles", migrations.Role), err
	case err != nil:
		return "unreachable", err
	case !found:
		return errNoLog.Error(), errNoLog
	}
	note := fmt.Sprintf("migration %d", r.backend.migrated.Version)
	if skew := r.backend.store.ClockSkew(); skew.Abs() >= time.Second {
		note += fmt.Sprintf(", clock of this process differs by %.1f s", skew.Seconds())
	}
	return note, nil
}

// log checks that events can be appended, and reports the cause if it is a known one. Other errors may contain
// addresses, and are only logged.
func (r *readiness) log(ctx context.Context) (string, error) {
	err := r.backend.sequencer.CheckWritable(ctx)
	held, refused, hidden := (*eventstore.LockHeldError)(nil), (*eventstore.NotPermittedError)(nil), (*eventstore.StandbysHiddenError)(nil)
	switch {
	case err == nil:
		return "writable", nil
	case errors.As(err, &refused) && r.noLog(ctx):
		return "not writable", errNoLog
	case errors.Is(err, eventstore.ErrReadOnly), errors.Is(err, eventstore.ErrDiskFull), errors.Is(err, eventstore.ErrNoSynchronousStandby),
		errors.As(err, &held), errors.As(err, &refused), errors.As(err, &hidden):
		return err.Error(), err
	}
	return "not writable" + r.blocker(ctx, "roomlog sequencer"), err
}

// noLog reports whether the database responds and has no log.
func (r *readiness) noLog(ctx context.Context) bool {
	_, err := r.database(ctx)
	return errors.Is(err, errNoLog)
}

// blocker returns a text about the session for which connections of servers with the given application have waited for
// at least a second, or nothing.
func (r *readiness) blocker(ctx context.Context, application string) string {
	holder, waited, err := pgsession.Blocker(ctx, r.backend.pool, application)
	if err != nil || holder.PID == 0 || waited < time.Second {
		return ""
	}
	return fmt.Sprintf(", waiting for %s", holder)
}

// roles reports the database role of this process. It never fails, because triggers protect the log even without the
// role.
func (r *readiness) roles(context.Context) (string, error) {
	if r.backend.migrated.ServingRole {
		return migrations.Role, nil
	}
	return "off", nil
}

// tables checks that the tables are at most maxLag behind the log. Any process may run the projector.
func (r *readiness) tables(ctx context.Context) (string, error) {
	if p := r.backend.projector; p != nil {
		if status := p.Status(); status.Halted != nil {
			return fmt.Sprintf("halted at %d of %d", status.Position, status.Head), status.Halted
		}
	}
	state, err := r.backend.queries.Lag(ctx)
	if err != nil {
		return "unknown", err
	}
	if err := consumer.VerifyCheckpoint(ctx, r.backend.pool, projections.ConsumerGroup); err != nil {
		return fmt.Sprintf("%d of %d", state.Position, state.Head), err
	}
	note := fmt.Sprintf("%d of %d", state.Position, state.Head)
	lag := time.Duration(0)
	if !state.Oldest.IsZero() {
		lag = max(0, r.backend.now().Sub(state.Oldest))
		note += fmt.Sprintf(", %.1f s behind", lag.Seconds())
	}
	if lag >= blockedLag {
		if blocker := r.blocker(ctx, "roomlog"); blocker != "" { // the connections of all servers that may run a projector
			note += blocker
			if lag > r.maxLag {
				return note, fmt.Errorf("the tables are more than %s behind the log%s", r.maxLag, blocker)
			}
		}
	}
	if lag > r.maxLag {
		return note, fmt.Errorf("the tables are more than %s behind the log: check that a process with the role projector runs", r.maxLag)
	}
	return note, nil
}

// coins reports the users whose coins are closed because a coin event cannot be applied.
func (r *readiness) coins(ctx context.Context) (string, error) {
	state, err := r.backend.queries.Lag(ctx)
	if err != nil {
		return "unknown", err
	}
	closed := state.Closed
	if closed.Since == 0 {
		return "open", nil
	}
	whom := cli.Count(closed.Users, "user")
	if closed.Everybody {
		whom = "all users"
	}
	note := fmt.Sprintf("closed for %s since position %d", whom, closed.Since)
	return note, api.Degraded("coins are " + note + ": run roomlog events list")
}

// tree reports whether the transparency log is halted, and up to which position witnesses have cosigned it. Any process may
// extend and sign it. Commands and reads do not need its tables, so it is no failure if they cannot be read.
func (r *readiness) tree(ctx context.Context) (string, error) {
	short, cancel := context.WithTimeout(ctx, treeTimeout)
	defer cancel()
	state, err := tree.ReadState(short, r.backend.pool)
	if err != nil {
		return r.unknownTree(ctx)
	}
	if state.Halted != "" {
		return fmt.Sprintf("halted at %d of %d", state.SignedSize, state.Head), api.Degraded("transparency log is halted: run roomlog audit status")
	}
	_, anchored, err := tree.ReadWitnesses(short, r.backend.pool, state.Number, r.witnesses)
	if err != nil {
		return r.unknownTree(ctx)
	}
	if r.witnesses != nil {
		return fmt.Sprintf("ok, anchored up to %d of %d", anchored, state.Head), nil
	}
	return "ok", nil
}

// unknownTree returns the result of the check if the tables of the transparency log cannot be read.
func (r *readiness) unknownTree(ctx context.Context) (string, error) {
	note := "unknown"
	if obstacle, err := pgsession.Obstacle(ctx, r.backend.pool, tree.Tables); err == nil && obstacle != "" {
		note += ": " + obstacle
	}
	return note, api.Degraded("the state of the transparency log is " + note)
}
