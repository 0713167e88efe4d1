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
	return s.executeFrom(ctx, 0, command)
}

// executeFrom executes a command like execute. The command contains facts that the caller has read from the tables
// after history was the number of the history of the log. If the log has another history, it fails with busy.
func (s *server) executeFrom(ctx context.Context, history int64, command domain.Command) (eventstore.Receipt, error) {
	rc := requestOf(ctx)
	actor := domain.AuthenticatedActor(rc.caller.User, rc.caller.Session)
	return s.executeRequest(ctx, domain.Request{Command: command, Actor: actor, IdempotencyKey: rc.idempotencyKey, History: history})
}

// executeAnonymously executes a command that requires no sign-in, such as a registration, a sign-in or a new chat
// room.
func (s *server) executeAnonymously(ctx context.Context, command domain.Command) (eventstore.Receipt, error) {
	return s.executeAs(ctx, domain.Actor{}, command, "")
}

func (s *server) executeAs(ctx context.Context, actor domain.Actor, command domain.Command, key string) (eventstore.Receipt, error) {
	return s.executeRequest(ctx, domain.Request{Command: command, Actor: actor, IdempotencyKey: key})
}

func (s *server) executeRequest(ctx context.Context, r domain.Request) (eventstore.Receipt, error) {
	r.Correlation = requestOf(ctx).id
	receipt, err := s.Commands.Execute(ctx, r)
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
