package eventstore

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wsql "github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/domain"
)

var (
	//go:embed sql/select_envelope.sql
	selectEnvelope string
	//go:embed sql/select_next_offset.sql
	selectNextOffset string
	//go:embed sql/update_checkpoint.sql
	updateCheckpoint string
	//go:embed sql/insert_checkpoint.sql
	insertCheckpoint string
)

// Topic is what watermill calls the one log.
const Topic = "events"

// DefaultBatchSize is how many events one message carries at most: 1000 in one transaction are 8 times
// as fast as one message an event.
const DefaultBatchSize = 1000

// envelopePoll is how often the log is looked at without being woken.
const envelopePoll = time.Second

// ConsumerConfig says how a consumer group reads the log.
type ConsumerConfig struct {
	Group        string        // its row in checkpoint
	Pool         *pgxpool.Pool // nil: the store's
	BatchSize    int           // events in an envelope at most; default DefaultBatchSize
	PollInterval time.Duration // how often it looks without being woken; default 1 s

	// Failed hears every error: of the database, of a commit, of Envelope.Do. It answers how
	// long to wait before trying again; nil waits 100 ms.
	OnError func(error) time.Duration

	// Idle is called when there is nothing to read, before waiting.
	OnIdle func()
}

// Consume reads the log as a watermill subscription of one consumer group: each message is an
// Envelope of events, and acknowledging it commits what was done in its transaction together with
// the group's checkpoint, or neither. Several processes may read in one group: they take turns.
// Nothing is written while there is nothing to read. The channel closes when ctx ends.
func (s *Store) Consume(ctx context.Context, c ConsumerConfig) (<-chan *message.Message, error) {
	if c.Pool == nil {
		c.Pool = s.pool
	}
	if c.BatchSize <= 0 {
		c.BatchSize = DefaultBatchSize
	}
	if c.PollInterval <= 0 {
		c.PollInterval = envelopePoll
	}
	noDeadline := time.Duration(0) // an expired one would commit half of the work: see envelopeTx.Commit
	subscriber, err := wsql.NewSubscriber(&envelopeBeginner{pool: c.Pool, projected: s.projected, failed: c.OnError}, wsql.SubscriberConfig{
		ConsumerGroup:  c.Group,
		AckDeadline:    &noDeadline,
		SchemaAdapter:  EnvelopeSchema{Size: c.BatchSize},
		OffsetsAdapter: CheckpointOffsets{},
		BackoffManager: &WakeBackoff{
			Wait:   func(seen uint64) uint64 { return s.appended.Wait(ctx, seen, c.PollInterval) },
			Failed: c.OnError, Idle: c.OnIdle,
		},
	}, watermill.NopLogger{})
	if err != nil {
		return nil, fmt.Errorf("read the log in group %s: %w", c.Group, err)
	}
	messages, err := subscriber.Subscribe(ctx, Topic)
	if err != nil {
		return nil, fmt.Errorf("read the log in group %s: %w", c.Group, err)
	}
	return messages, nil
}

// Spec answers what this program knows of an event type, be it an older version, as written.
func (s *Store) Spec(eventType string) (domain.EventSpec, bool) {
	v, ok := s.codec.versions[eventType]
	return v.spec, ok
}
