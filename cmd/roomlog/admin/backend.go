package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/cmd/roomlog/cli"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/erasure"
	"roomlog/migrations"
	"roomlog/projections"
	"roomlog/projections/rebuild"
)

const (
	poolConns       = 6                     // enough connections for a projector, some queries and watchLocks
	catchUpInterval = 20 * time.Millisecond // interval between two reads of the checkpoint while another process updates the tables
)

// backend contains the log and the tables, opened for one command with the rights of the database owner.
type backend struct {
	store   *eventstore.Store
	owner   *pgxpool.Pool
	queries *projections.Queries
	log     *slog.Logger
	sh      cli.Shell
	locks   lockWatch
}

// withBackend opens the database, migrates it, calls work, and closes it. It never creates a database.
func withBackend(ctx context.Context, g *cli.Globals, sh cli.Shell, work func(context.Context, *backend) error) (err error) {
	log := g.Logger(sh, slog.LevelWarn)
	dsn, release, err := g.Database(ctx, sh, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	if _, err := migrations.Upgrade(ctx, dsn, g.Migrations(log)); err != nil {
		return err
	}
	return openBackend(ctx, g, sh, log, dsn, func(ctx context.Context, b *backend) error {
		if err := rebuild.RemoveLeftovers(ctx, b.owner, log); err != nil {
			return err
		}
		return work(ctx, b)
	})
}

// withUnchangedBackend does the same as withBackend for a command that must change nothing: it does not migrate.
func withUnchangedBackend(ctx context.Context, g *cli.Globals, sh cli.Shell, work func(context.Context, *backend) error) (err error) {
	log := g.Logger(sh, slog.LevelWarn)
	dsn, release, err := g.Database(ctx, sh, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	if err := migrations.Check(ctx, dsn); err != nil {
		return err
	}
	return openBackend(ctx, g, sh, log, dsn, work)
}

// openBackend opens the log and calls work. It interrupts work that waits for a lock of another session longer than
// --lock-timeout.
func openBackend(ctx context.Context, g *cli.Globals, sh cli.Shell, log *slog.Logger, dsn string, work func(context.Context, *backend) error) error {
	owner, err := eventstore.OpenPool(ctx, dsn, eventstore.PoolOptions{MaxConns: poolConns, Name: application})
	if err != nil {
		return err
	}
	defer owner.Close()
	locks := lockWatch{owner, log, g.LockTimeout}
	return locks.during(ctx, application, func(ctx context.Context) error {
		store, err := eventstore.Open(ctx, owner, eventstore.Config{Now: sh.Now, Log: log})
		if err != nil {
			return err
		}
		return work(ctx, &backend{store, owner, projections.NewQueries(owner), log, sh, locks})
	})
}

// execute executes a command as an operator and returns when the tables contain the result.
func (b *backend) execute(ctx context.Context, c domain.Command) (eventstore.Receipt, error) {
	receipt, err := b.append(ctx, c)
	if err != nil {
		return receipt, err
	}
	return receipt, notInTables(receipt.Position, b.catchUp(ctx, receipt.Position))
}

// append executes a command as an operator. It does not wait for the tables.
func (b *backend) append(ctx context.Context, c domain.Command) (eventstore.Receipt, error) {
	return b.request(ctx, domain.Request{Command: c, Actor: domain.OperatorActor(login())})
}

// login returns the name of the user of the operating system who runs the command, or the number if the user has no name.
func login() string {
	uid := strconv.Itoa(os.Getuid())
	if by, err := user.LookupId(uid); err == nil && by.Username != "" { // not user.Current, which may believe the variable USER
		return by.Username
	}
	return "uid-" + uid
}

// request executes a request. It does not wait for the tables.
func (b *backend) request(ctx context.Context, r domain.Request) (eventstore.Receipt, error) {
	sequencer := eventstore.NewSequencer(b.store, eventstore.SequencerConfig{})
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- sequencer.Run(running) }()
	receipt, err := sequencer.Execute(ctx, r)
	if errors.Is(err, eventstore.ErrUnavailable) {
		if cause := sequencer.CheckWritable(ctx); cause != nil { // names a standby, a full disk, or the holder of the lock
			err = fmt.Errorf("%w: %w", err, cause)
		}
	}
	stop()
	return receipt, errors.Join(err, <-ended)
}

// executeAndEndLives executes a command that locks a user out, and ends the user's lives that are on air. For a user
// with many lives it executes several commands, and returns the receipt of the first.
func (b *backend) executeAndEndLives(ctx context.Context, user domain.UserID, c func([]domain.LiveID) domain.Command) (first eventstore.Receipt, err error) {
	if err := b.catchUpToHead(ctx); err != nil { // the tables may not contain a live of the user yet
		return first, err
	}
	executed := false
	err = b.queries.EndLives(ctx, user, func(lives []domain.LiveID) error {
		receipt, err := b.execute(ctx, c(lives))
		if !executed {
			executed, first = true, receipt
		}
		return err
	})
	return first, err
}

// catchUp runs a projector until the tables have reached a position. While the projector of a server holds the lock of
// the tables, this projector waits.
func (b *backend) catchUp(ctx context.Context, position int64) error {
	projector := projections.NewProjector(b.store, projections.ProjectorConfig{Now: b.sh.Now, Log: b.log})
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- projector.Run(running) }()
	err := b.locks.during(ctx, servers, func(ctx context.Context) error { return b.waitForTables(ctx, projector, position) })
	stop()
	if runErr := <-ended; err == nil {
		err = runErr
	}
	return err
}

// waitForTables blocks until the tables have reached a position. It fails if they stand still for --lock-timeout.
func (b *backend) waitForTables(ctx context.Context, projector *projections.Projector, position int64) error {
	last, moved := int64(-1), b.sh.Now()
	for {
		seen := b.store.Projected().Count()
		at, err := b.queries.Checkpoint(ctx)
		switch {
		case err != nil:
			return err
		case at >= position:
			return nil
		case at != last:
			last, moved = at, b.sh.Now()
		case b.sh.Now().Sub(moved) >= b.locks.timeout:
			return b.locks.stalled(ctx, fmt.Errorf("the tables have stood still at position %d of %d for %s: see /readyz of the servers", at, position, b.locks.timeout))
		}
		if halted := projector.Status().Halted; halted != nil {
			return fmt.Errorf("the projector stopped at position %d of %d: %w", at, position, halted)
		}
		b.store.Projected().Wait(ctx, seen, catchUpInterval)
	}
}

// catchUpToHead blocks until the tables contain everything that is in the log at the time of the call.
func (b *backend) catchUpToHead(ctx context.Context) error {
	head, err := b.store.Head(ctx)
	if err != nil {
		return err
	}
	return b.catchUp(ctx, head)
}

// rewriteFiles removes deleted keys from the files of the database, and prints what remains.
func (b *backend) rewriteFiles(ctx context.Context) error {
	remains, err := erasure.Rewrite(ctx, b.owner)
	for _, place := range remains {
		fmt.Fprintf(b.sh.Stdout, "the key may remain in %s\n", place)
	}
	return err
}

// existingLive returns a live, or a *Refusal if it does not exist.
func existingLive(ctx context.Context, b *backend, id int64) (projections.Live, error) {
	live, err := b.queries.Live(ctx, domain.LiveID(id))
	if errors.Is(err, projections.ErrNotFound) {
		err = &domain.Refusal{Code: domain.CodeLiveNotFound, Text: fmt.Sprintf("there is no live %d: see roomlog live list --all", id)}
	}
	return live, err
}
