package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/migrations"
	"roomlog/projections"
)

const (
	deskConns   = 6                     // enough for a sequencer, a projector and some reading
	catchUpPoll = 20 * time.Millisecond // for when another process projects
)

// desk is what an admin command works at: the log, and tables that are up to date.
type desk struct {
	store   *eventstore.Store
	owner   *pgxpool.Pool // as the owner: may do everything
	queries *projections.Queries
	log     *slog.Logger
	sh      shell
}

// atDesk opens the log beside a running server, or alone, and closes it after work.
func (g *globals) atDesk(ctx context.Context, sh shell, work func(context.Context, *desk) error) (err error) {
	log := g.logger(sh, slog.LevelWarn)
	dsn, release, err := g.reach(ctx, sh, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	if _, err := migrations.Apply(ctx, dsn, log); err != nil {
		return err
	}
	owner, err := eventstore.OpenPool(ctx, dsn, eventstore.PoolOptions{MaxConns: deskConns, Name: "roomlog admin"})
	if err != nil {
		return err
	}
	defer owner.Close()
	store, err := eventstore.Open(ctx, owner, eventstore.Config{Now: sh.now, Log: log})
	if err != nil {
		return err
	}
	return work(ctx, &desk{store, owner, projections.NewQueries(owner), log, sh})
}

// ask lets the log decide a command in the name of an operator, and answers what followed.
func (d *desk) ask(ctx context.Context, c domain.Command) (eventstore.Receipt, error) {
	sequencer := eventstore.NewSequencer(d.store, eventstore.SequencerConfig{})
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- sequencer.Run(running) }()
	receipt, err := sequencer.Execute(ctx, domain.Request{Command: c, Actor: domain.Actor{Kind: domain.Operator}})
	stop()
	return receipt, errors.Join(err, <-ended)
}

// change is ask, and afterwards the tables have it.
func (d *desk) change(ctx context.Context, c domain.Command) (eventstore.Receipt, error) {
	receipt, err := d.ask(ctx, c)
	if err != nil {
		return receipt, err
	}
	return receipt, d.catchUp(ctx, receipt.Position)
}

// catchUp returns when the tables have a position. It projects itself: a server that does so as well
// takes turns with it.
func (d *desk) catchUp(ctx context.Context, position int64) error {
	projector := projections.NewProjector(d.store, projections.ProjectorConfig{Now: d.sh.now, Log: d.log})
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- projector.Run(running) }()
	for {
		seen := d.store.Projected().Count()
		at, err := d.checkpoint(ctx)
		switch {
		case err != nil:
			return err
		case at >= position:
			stop()
			return <-ended
		}
		if halted := projector.Status().Halted; halted != nil {
			return fmt.Errorf("the tables stand still at position %d of %d: %w", at, position, halted)
		}
		d.store.Projected().Wait(ctx, seen, catchUpPoll)
	}
}

func (d *desk) checkpoint(ctx context.Context) (position int64, err error) {
	err = d.owner.QueryRow(ctx, "SELECT coalesce(max(position), 0) FROM checkpoint WHERE consumer_group = $1", projections.ConsumerGroup).Scan(&position)
	if err != nil {
		return 0, fmt.Errorf("read where the tables are: %w", err)
	}
	return position, nil
}

// upToDate is catchUp to the end of the log as it is now.
func (d *desk) upToDate(ctx context.Context) error {
	head, err := d.store.Head(ctx)
	if err != nil {
		return err
	}
	return d.catchUp(ctx, head)
}
