package consumer

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wsql "github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/eventstore"
)

// DefaultBatchSize is the default maximum number of events in a message. 1000 events in one transaction are 8 times as
// fast as one event per transaction.
const DefaultBatchSize = 1000

const (
	topic       = "events" // name of the log for watermill
	defaultPoll = time.Second
)

// Config configures the reader of a consumer group.
type Config struct {
	Group        string        // name of the group in table checkpoint
	Pool         *pgxpool.Pool // pool for the transactions; nil: the pool of the store
	BatchSize    int           // maximum number of events in a batch; default DefaultBatchSize
	PollInterval time.Duration // interval at which to look for new events without a notification; default 1 s

	// OnError is called with every error of the database, of a commit or of Batch.Handle. It returns the wait before
	// the next attempt; nil: 100 ms.
	OnError func(error) time.Duration

	// OnCommit is called after the transaction of a batch was committed.
	OnCommit func(*Batch)

	// OnIdle is called before the reader waits because there is nothing to read.
	OnIdle func()
}

// Subscribe reads the log as a consumer group. Each message contains a Batch, see BatchOf. Batch.Handle commits the
// work together with the checkpoint of the group in one transaction. The channel closes when ctx ends.
func Subscribe(ctx context.Context, store *eventstore.Store, c Config) (<-chan *message.Message, error) {
	if c.Pool == nil {
		c.Pool = store.Pool()
	}
	c.BatchSize = cmp.Or(max(c.BatchSize, 0), DefaultBatchSize)
	c.PollInterval = cmp.Or(max(c.PollInterval, 0), defaultPoll)
	noDeadline := time.Duration(0) // no deadline: if it expired, half of the work would be committed; see transaction.Commit
	subscriber, err := wsql.NewSubscriber(&beginner{pool: c.Pool, projected: store.Projected(), onError: c.OnError, onCommit: c.OnCommit}, wsql.SubscriberConfig{
		ConsumerGroup:  c.Group,
		AckDeadline:    &noDeadline,
		SchemaAdapter:  schema{batchSize: c.BatchSize},
		OffsetsAdapter: checkpoints{},
		BackoffManager: &pauses{
			wait:    func(count uint64) uint64 { return store.Appended().Wait(ctx, count, c.PollInterval) },
			onError: c.OnError, onIdle: c.OnIdle,
		},
	}, watermill.NopLogger{})
	if err != nil {
		return nil, fmt.Errorf("subscribe as group %s: %w", c.Group, err)
	}
	messages, err := subscriber.Subscribe(ctx, topic)
	if err != nil {
		return nil, fmt.Errorf("subscribe as group %s: %w", c.Group, err)
	}
	return messages, nil
}
