package consumer

import (
	stdsql "database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	wsql "github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/message"
)

// schema is the wsql.SchemaAdapter of table events. There is no second table with a copy of the events. It reads by
// position. Because positions are in the order of commits, a read costs the same however long the log is, and no open
// transaction delays it.
type schema struct {
	batchSize int
}

var _ wsql.SchemaAdapter = schema{}

// InsertQuery fails: only the sequencer appends.
func (schema) InsertQuery(wsql.InsertQueryParams) (wsql.Query, error) {
	return wsql.Query{}, errors.New("only the sequencer appends to the log")
}

// SelectQuery returns the query that reads the next batch.
func (s schema) SelectQuery(p wsql.SelectQueryParams) (wsql.Query, error) {
	next, err := p.OffsetsAdapter.NextOffsetQuery(wsql.NextOffsetQueryParams{Topic: p.Topic, ConsumerGroup: p.ConsumerGroup})
	if err != nil {
		return wsql.Query{}, err
	}
	query := strings.NewReplacer("{checkpoint}", next.Query, "{limit}", strconv.Itoa(s.batchSize)).Replace(selectBatch)
	return wsql.Query{Query: query, Args: next.Args}, nil
}

// UnmarshalMessage returns the message with a batch. The query has a single row, which is the whole batch; see rows.
func (schema) UnmarshalMessage(p wsql.UnmarshalMessageParams) (wsql.Row, error) {
	var b *Batch
	if err := p.Row.Scan(&b); err != nil {
		return wsql.Row{}, fmt.Errorf("read a batch of events: %w", err)
	}
	last := b.Events[len(b.Events)-1]
	id := strconv.FormatInt(last.Position, 10)
	return wsql.Row{Offset: last.Position, UUID: []byte(id), Msg: message.NewMessage(id, nil)}, nil
}

// SchemaInitializingQueries returns no query: migrations create the tables.
func (schema) SchemaInitializingQueries(wsql.SchemaInitializingQueriesParams) ([]wsql.Query, error) {
	return nil, nil
}

// SubscribeIsolationLevel returns read committed. With repeatable read, 9 of 10 attempts to take the checkpoint from
// another process fail with a serialization error.
func (schema) SubscribeIsolationLevel() stdsql.IsolationLevel { return stdsql.LevelReadCommitted }
