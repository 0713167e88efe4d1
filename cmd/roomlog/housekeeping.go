package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/eventstore"
	"roomlog/projections"
)

// housekeeping deletes now and then what nobody needs any more. Several processes may do so at once.
type housekeeping struct {
	store *eventstore.Store
	pool  *pgxpool.Pool
	log   *slog.Logger
	now   func() time.Time
	every time.Duration
	keep  time.Duration // outcomes of commands that move no coins
}

// Run keeps house until ctx ends. What fails is tried again the next time.
func (h *housekeeping) Run(ctx context.Context) error {
	tick := time.NewTicker(h.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		commands, err := h.store.DeleteCommands(ctx, h.now().Add(-h.keep))
		h.say(ctx, "outcomes of old commands", commands, err)
		credentials, err := projections.DeleteUnusedCredentials(ctx, h.pool)
		h.say(ctx, "unused credentials", credentials, err)
	}
}

func (h *housekeeping) say(ctx context.Context, what string, rows int64, err error) {
	switch {
	case err != nil && ctx.Err() == nil:
		h.log.WarnContext(ctx, "housekeeping failed, trying again later", slog.String("of", what), slog.Any("err", err))
	case rows > 0:
		h.log.InfoContext(ctx, "deleted "+what, slog.Int64("rows", rows))
	}
}
