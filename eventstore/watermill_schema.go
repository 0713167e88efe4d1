package eventstore

import (
	stdsql "database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	wsql "github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/message"
)

// EnvelopeSchema is watermill-sql's SchemaAdapter over the one events table: no second table holds
// a copy. It reads by position, whose order is the order of commits, so that it costs the same
// however long the log is and no open transaction of anybody delays it.
type EnvelopeSchema struct {
	Size int // events in an envelope at most
}

var _ wsql.SchemaAdapter = EnvelopeSchema{}

// InsertQuery implements wsql.SchemaAdapter. Only the sequencer appends.
func (EnvelopeSchema) InsertQuery(wsql.InsertQueryParams) (wsql.Query, error) {
	return wsql.Query{}, errors.New("the log is appended to by the sequencer alone")
}

// SelectQuery implements wsql.SchemaAdapter.
func (s EnvelopeSchema) SelectQuery(p wsql.SelectQueryParams) (wsql.Query, error) {
	next, err := p.OffsetsAdapter.NextOffsetQuery(wsql.NextOffsetQueryParams{Topic: p.Topic, ConsumerGroup: p.ConsumerGroup})
	if err != nil {
		return wsql.Query{}, err
	}
	query := strings.NewReplacer("{next_offset}", next.Query, "{limit}", strconv.Itoa(s.Size)).Replace(selectEnvelope)
	return wsql.Query{Query: query, Args: next.Args}, nil
}

// UnmarshalMessage implements wsql.SchemaAdapter. Its row is the whole envelope: see envelopeRows.
func (EnvelopeSchema) UnmarshalMessage(p wsql.UnmarshalMessageParams) (wsql.Row, error) {
	var e *EventBatch
	if err := p.Row.Scan(&e); err != nil {
		return wsql.Row{}, fmt.Errorf("read an envelope: %w", err)
	}
	last := e.Events[len(e.Events)-1]
	id := strconv.FormatInt(last.Position, 10)
	return wsql.Row{Offset: last.Position, UUID: []byte(id), Msg: message.NewMessage(id, nil)}, nil
}

// SchemaInitializingQueries implements wsql.SchemaAdapter. Migrations make the tables.
func (EnvelopeSchema) SchemaInitializingQueries(wsql.SchemaInitializingQueriesParams) ([]wsql.Query, error) {
	return nil, nil
}

// SubscribeIsolationLevel implements wsql.SchemaAdapter. Under repeatable read, processes that take
// turns fail with a serialization error nine times in ten.
func (EnvelopeSchema) SubscribeIsolationLevel() stdsql.IsolationLevel {
	return stdsql.LevelReadCommitted
}

// CheckpointOffsets is watermill-sql's OffsetsAdapter over table checkpoint. The row is locked only
// when there is something newer than it, so that an idle reader writes nothing, and passed over
// when another process has it.
type CheckpointOffsets struct{}

var _ wsql.OffsetsAdapter = CheckpointOffsets{}

// NextOffsetQuery implements wsql.OffsetsAdapter.
func (CheckpointOffsets) NextOffsetQuery(p wsql.NextOffsetQueryParams) (wsql.Query, error) {
	return wsql.Query{Query: strings.TrimSpace(selectNextOffset), Args: []any{p.ConsumerGroup}}, nil
}

// AckMessageQuery implements wsql.OffsetsAdapter. It moves one row or the transaction has no right
// to commit: see envelopeTx.ExecContext.
func (CheckpointOffsets) AckMessageQuery(p wsql.AckMessageQueryParams) (wsql.Query, error) {
	return wsql.Query{Query: updateCheckpoint, Args: []any{p.LastRow.Offset, p.ConsumerGroup, ChannelProjected}}, nil
}

// ConsumedMessageQuery implements wsql.OffsetsAdapter.
func (CheckpointOffsets) ConsumedMessageQuery(wsql.ConsumedMessageQueryParams) (wsql.Query, error) {
	return wsql.Query{}, nil
}

// SchemaInitializingQueries implements wsql.OffsetsAdapter. Migrations make the table.
func (CheckpointOffsets) SchemaInitializingQueries(wsql.OffsetsSchemaInitializingQueriesParams) ([]wsql.Query, error) {
	return nil, nil
}

// BeforeSubscribingQueries implements wsql.OffsetsAdapter: the row to lock has to be there, and stay there
// when PostgreSQL is killed a moment later, for nobody would make it again: an envelope's work can be
// lost with its checkpoint and is done again, the row itself cannot.
func (CheckpointOffsets) BeforeSubscribingQueries(p wsql.BeforeSubscribingQueriesParams) ([]wsql.Query, error) {
	return []wsql.Query{
		{Query: "SET LOCAL synchronous_commit = on"},
		{Query: insertCheckpoint, Args: []any{p.ConsumerGroup}},
	}, nil
}
