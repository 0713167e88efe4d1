package consumer

import (
	"context"
	"errors"
	"fmt"
	"strings"

	wsql "github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"roomlog/eventstore"
)

// Execer executes a statement. A connection, a pool and a transaction implement it.
type Execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// RowQuerier queries a row. A connection, a pool and a transaction implement it.
type RowQuerier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// CreateCheckpoint creates the checkpoint of a group at the beginning of the log, if the group has none.
func CreateCheckpoint(ctx context.Context, db Execer, group string) error {
	if _, err := db.Exec(ctx, insertCheckpoint, group); err != nil {
		return fmt.Errorf("create the checkpoint of group %s: %w", group, err)
	}
	return nil
}

// MoveCheckpoint sets the checkpoint of a group to a position. It also increments the generation of the checkpoint,
// because tx puts other tables into use. The commit of tx notifies the readers.
func MoveCheckpoint(ctx context.Context, tx pgx.Tx, group string, position int64) error {
	if _, err := tx.Exec(ctx, replaceCheckpoint, position, group, eventstore.ChannelProjected); err != nil {
		return fmt.Errorf("move the checkpoint of group %s to %d: %w", group, position, err)
	}
	return nil
}

// CheckpointError reports that the log does not contain the event at which the checkpoint of a group stands.
type CheckpointError struct {
	Group    string
	Position int64     // position of the checkpoint
	EventID  uuid.UUID // id of the event according to the checkpoint; zero if unknown
	Found    uuid.UUID // id of the event at Position in the log; zero if there is none
}

// Error describes the checkpoint and what the log contains in its place.
func (e *CheckpointError) Error() string {
	log := fmt.Sprintf("the log has event %s there", e.Found)
	if e.Found == uuid.Nil {
		log = "the log has no event there"
	}
	return fmt.Sprintf("the checkpoint of %s is event %s at position %d, but %s: what was derived from the log does not belong to it; derive it again with roomlog rebuild",
		e.Group, e.EventID, e.Position, log)
}

// VerifyCheckpoint returns a *CheckpointError if the log does not contain the event at which the checkpoint of a group
// stands.
func VerifyCheckpoint(ctx context.Context, db RowQuerier, group string) error {
	e := CheckpointError{Group: group}
	var own, found *uuid.UUID
	err := db.QueryRow(ctx, compareCheckpoint, group).Scan(&e.Position, &own, &found)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("compare the checkpoint of group %s with the log: %w", group, err)
	}
	if own != nil {
		e.EventID = *own
	}
	if found != nil {
		e.Found = *found
	}
	if e.Position == 0 || found != nil && (own == nil || *own == *found) {
		return nil
	}
	return &e
}

// checkpoints is the wsql.OffsetsAdapter of table checkpoint. It locks a checkpoint only if the log has newer events,
// so that an idle reader writes nothing. It skips a checkpoint that another process has locked.
type checkpoints struct{}

var _ wsql.OffsetsAdapter = checkpoints{}

// NextOffsetQuery returns the part of SelectQuery that locks the checkpoint.
func (checkpoints) NextOffsetQuery(p wsql.NextOffsetQueryParams) (wsql.Query, error) {
	return wsql.Query{Query: strings.TrimSpace(selectCheckpoint), Args: []any{p.ConsumerGroup}}, nil
}

// AckMessageQuery returns the statement that moves the checkpoint. transaction.ExecContext fills in the event, and
// fails unless the statement updates one row.
func (checkpoints) AckMessageQuery(p wsql.AckMessageQueryParams) (wsql.Query, error) {
	return wsql.Query{Query: updateCheckpoint, Args: []any{p.LastRow.Offset, p.ConsumerGroup, eventstore.ChannelProjected, uuid.Nil}}, nil
}

// ConsumedMessageQuery returns no query: the receipt of a message is not recorded.
func (checkpoints) ConsumedMessageQuery(wsql.ConsumedMessageQueryParams) (wsql.Query, error) {
	return wsql.Query{}, nil
}

// SchemaInitializingQueries returns no query: migrations create the table.
func (checkpoints) SchemaInitializingQueries(wsql.OffsetsSchemaInitializingQueriesParams) ([]wsql.Query, error) {
	return nil, nil
}

// BeforeSubscribingQueries creates the checkpoint and waits until it is on disk. A power failure may undo the work of a
// batch together with the move of the checkpoint; the work is then done again. But a lost checkpoint would not be
// created again.
func (checkpoints) BeforeSubscribingQueries(p wsql.BeforeSubscribingQueriesParams) ([]wsql.Query, error) {
	return []wsql.Query{
		{Query: "SET LOCAL synchronous_commit = on"},
		{Query: insertCheckpoint, Args: []any{p.ConsumerGroup}},
	}, nil
}
