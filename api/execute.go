package api

import (
	"context"
	"fmt"
	"log/slog"

	"roomlog/domain"
	"roomlog/eventstore"
)

// execute executes a command as the calling user. All commands of signed-in REST clients use it. It returns when the
// events are durable and the tables have applied them. It does not wait for the tables longer than Config.Settle.
func (s *server) execute(ctx context.Context, command domain.Command) (eventstore.Receipt, error) {
	rc := requestOf(ctx)
	return s.executeAs(ctx, domain.AuthenticatedActor(rc.caller.User, rc.caller.Session), command, rc.idempotencyKey)
}

// executeAnonymously executes a command that requires no sign-in, such as a registration, a sign-in or a new chat
// room.
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

// waitForTables waits until the tables have reached a position, so that clients read their own writes. It waits at most
// Config.Settle, and reports whether the tables have reached the position. The events are durable in any case.
func (s *server) waitForTables(ctx context.Context, position int64) bool {
	ctx, cancel := context.WithTimeout(ctx, s.Settle)
	defer cancel()
	err := s.Feed.WaitFor(ctx, position)
	if err != nil {
		s.log.DebugContext(ctx, "tables are behind the log", slog.Int64("position", position), slog.Any("error", err))
	}
	return err == nil
}

// waitForHead waits until the tables contain everything that is in the log now. It refuses with CodeBusy if this takes
// longer than Config.Settle.
func (s *server) waitForHead(ctx context.Context) error {
	head, err := s.Store.Head(ctx)
	if err == nil && !s.waitForTables(ctx, head) {
		err = newFailure(domain.CodeBusy, "the tables are behind the log: repeat the request", nil)
	}
	return err
}

// eventOf returns the event of type E in a receipt, with its record.
func eventOf[E domain.Event](receipt eventstore.Receipt) (E, eventstore.Record, error) {
	for _, r := range receipt.Events {
		if e, ok := r.Event.(E); ok {
			return e, r, nil
		}
	}
	var none E
	return none, eventstore.Record{}, fmt.Errorf("the command caused no %s", none.Type())
}
