package api

import (
	"context"
	"fmt"
	"log/slog"

	"roomlog/domain"
	"roomlog/eventstore"
)

// execute runs a command of the calling user. It is the one way from a REST request of a user to the log. It returns
// when the events are durable, and gives the tables a moment to apply them.
func (s *server) execute(ctx context.Context, command domain.Command) (eventstore.Receipt, error) {
	rc := requestOf(ctx)
	return s.executeAs(ctx, domain.AuthenticatedActor(rc.caller.User, rc.caller.Session), command, rc.idempotencyKey)
}

// executeAnonymously runs a command that needs no user: a registration, a sign-in, a new chat room.
func (s *server) executeAnonymously(ctx context.Context, command domain.Command) (eventstore.Receipt, error) {
	return s.executeAs(ctx, domain.Actor{}, command, "")
}

func (s *server) executeAs(ctx context.Context, actor domain.Actor, command domain.Command, key string) (eventstore.Receipt, error) {
	receipt, err := s.Commands.Execute(ctx, domain.Request{
		Command: command, Actor: actor, IdempotencyKey: key, Correlation: requestOf(ctx).id,
	})
	if err == nil {
		s.waitForTables(ctx, receipt.Position)
	}
	return receipt, err
}

// waitForTables waits until the tables have applied a position, so that clients read their own writes. It waits at most
// Config.Settle and reports whether the tables have it: the events are durable in any case.
func (s *server) waitForTables(ctx context.Context, position int64) bool {
	ctx, cancel := context.WithTimeout(ctx, s.Settle)
	defer cancel()
	err := s.Feed.WaitFor(ctx, position)
	if err != nil {
		s.log.DebugContext(ctx, "tables are behind the log", slog.Int64("position", position), slog.Any("error", err))
	}
	return err == nil
}

// eventOf returns the event of type E among those that a command caused, and its record.
func eventOf[E domain.Event](receipt eventstore.Receipt) (E, eventstore.Record, error) {
	for _, r := range receipt.Events {
		if e, ok := r.Event.(E); ok {
			return e, r, nil
		}
	}
	var none E
	return none, eventstore.Record{}, fmt.Errorf("the command caused no %s", none.Type())
}
