package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/api"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/localpg"
	"roomlog/migrations"
	"roomlog/projections"
)

// engine is everything behind the doors: the database, the log, the tables, and what moves them.
type engine struct {
	keeper    *keeper // of the private PostgreSQL; nil with DATABASE_URL
	migrated  migrations.Result
	pool      *pgxpool.Pool
	store     *eventstore.Store
	sequencer *eventstore.Sequencer
	queries   *projections.Queries
	feed      *projections.Feed
	projector *projections.Projector // nil without the role
	process   string                 // names this process in the log
	now       func() time.Time
}

// startEngine opens the database, migrates it, and starts what moves the log and the tables.
func (c *serveCommand) startEngine(ctx context.Context, h *house, l *layers) (*engine, error) {
	e := &engine{now: h.sh.now, process: uuid.NewString()}
	dsn := h.databaseURL
	if dsn == "" {
		var err error
		if e.keeper, err = keep(ctx, h.private, h.log); err != nil {
			return nil, err
		}
		l.add("postgresql", e.keeper.Stop)
		l.run(ctx, "watching postgresql", e.keeper.Run)
		dsn = e.keeper.DSN()
	}
	var err error
	if e.migrated, err = migrations.Apply(ctx, dsn, h.log); err != nil {
		return nil, err
	}
	e.pool, err = eventstore.OpenPool(ctx, dsn, eventstore.PoolOptions{
		Serving: e.migrated.ServingRole, MaxConns: c.DatabaseConns, Name: "roomlog"})
	if err != nil {
		return nil, err
	}
	l.add("pool", func() error { e.pool.Close(); return nil })
	if e.store, err = eventstore.Open(ctx, e.pool, eventstore.Config{Now: h.sh.now, Log: h.log}); err != nil {
		return nil, err
	}
	l.run(ctx, "listening for other processes", e.store.Listen)
	if slices.Contains(c.Roles, roleProjector) {
		e.projector = projections.NewProjector(e.store, projections.ProjectorConfig{Now: h.sh.now, Log: h.log})
		l.run(ctx, "projector", e.projector.Run)
		keeping := &housekeeping{store: e.store, pool: e.pool, log: h.log, now: h.sh.now, every: c.Housekeeping, keep: c.Keep}
		l.run(ctx, "housekeeping", keeping.Run)
	}
	e.queries = projections.NewQueries(e.pool)
	e.sequencer = eventstore.NewSequencer(e.store, eventstore.SequencerConfig{QueueSize: c.Queue, DrainTimeout: c.Drain})
	l.run(ctx, "sequencer", e.sequencer.Run)
	e.feed = projections.NewFeed(e.store, e.queries, projections.FeedConfig{Log: h.log})
	l.run(ctx, "feed", e.feed.Run)
	if err := e.begun(ctx, l); err != nil {
		return nil, err
	}
	return e, e.furnish(ctx)
}

// furnish makes the first chat room, once in the life of the log. It is done by who moves the tables.
func (e *engine) furnish(ctx context.Context) error {
	if e.projector == nil {
		return nil
	}
	_, err := e.sequencer.Execute(ctx, domain.Request{Command: api.AddRoom(e.store, firstRoom), Actor: domain.Actor{Kind: domain.System}})
	if err != nil {
		return fmt.Errorf("make the room %s: %w", firstRoom, err)
	}
	return nil
}

// begun returns when the feed has begun where the tables are: a door that opened before would take all of
// it for missed, and send its first clients away.
func (e *engine) begun(ctx context.Context, l *layers) error {
	position, _, _, err := e.lag(ctx)
	if err != nil {
		return err
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for e.feed.Checkpoint() < position {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		case err := <-l.lost:
			return err
		}
	}
	return nil
}

// house is what serve found where it was told to live.
type house struct {
	sh          shell
	log         *slog.Logger
	data        string // the data folder
	databaseURL string // "": run our own
	private     localpg.Config
	secrets     secrets
}

// open looks at the data folder, the database's address and the secrets.
func (g *globals) open(sh shell) (*house, error) {
	h := &house{sh: sh, log: g.logger(sh, slog.LevelInfo)}
	var err error
	if h.databaseURL, err = given(sh.getenv, "DATABASE_URL"); err != nil {
		return nil, err
	}
	if h.data, err = g.dataFolder(sh); err != nil {
		return nil, err
	}
	h.private = g.private(sh, h.data, h.log)
	if h.secrets, err = openSecrets(sh.getenv, h.data, h.log); err != nil {
		return nil, fmt.Errorf("open the secrets: %w", err)
	}
	return h, nil
}
