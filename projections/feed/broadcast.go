package feed

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"roomlog/internal/pgsession"
)

const (
	maxMessage = 512 << 10 // maximum size in bytes of the events of a message, if the server permits messages of this size
	headSize   = 4 << 10   // size in bytes that is left for the other fields
)

// subjectOf returns the subject of the messages for a store. It contains the id of the store, so that two stores on one NATS do not
// mix.
func subjectOf(store string) string { return "roomlog." + store + ".feed" }

// broadcast is the sink of the relay: it publishes batches on NATS. A message that cannot be sent is lost; feeds notice the hole and
// read it from the log.
type broadcast struct {
	c       Config
	subject string
	token   string
	tables  *tables
	lease   *pgsession.Lease
	sent    *atomic.Int64 // number of messages that were sent

	mu     sync.Mutex
	number int64 // number of the newest message
	at     point // end of the newest batch
	// announced is whether a message was sent since the last heartbeat.
	announced bool
}

// publish sends the messages of a batch.
func (b *broadcast) publish(ctx context.Context, batch Batch) error {
	events, err := sentEvents(batch.Deltas)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	end := point{batch.Checkpoint, batch.EventID}
	if end.position <= b.at.position { // only gauges
		end = b.at
	}
	parts, err := split(events, end, b.limit())
	if err != nil {
		return err
	}
	for i, p := range parts {
		head := b.head()
		if i == len(parts)-1 {
			head.Gauges = batch.Gauges
		}
		b.at = p.end
		if !p.lost {
			b.send(ctx, head, p)
		}
	}
	return nil
}

// beat sends a message without events, unless another one was sent since the last call.
func (b *broadcast) beat(ctx context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.announced {
		b.send(ctx, b.head(), part{end: b.at})
	}
	b.announced = false
}

// progress sends a message without events, which reports that the tables have applied events that were released early.
func (b *broadcast) progress(ctx context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.send(ctx, b.head(), part{end: b.at})
}

// end returns the end of the newest batch.
func (b *broadcast) end() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at.position
}

// head returns the fields of the next message that do not depend on its events.
func (b *broadcast) head() envelope {
	position, held := b.tables.state()
	b.number++
	return envelope{
		Format: messageFormat, Program: program(), Number: b.number,
		After: b.at.position, AfterID: b.at.id, Tables: position, Held: held,
	}
}

// limit returns the maximum size of the events of a message.
func (b *broadcast) limit() int {
	return max(int(min(maxMessage, b.c.NATS.MaxPayload()))-headSize, 1)
}

// send sends one message, unless this process may have lost the lock of the relay.
func (b *broadcast) send(ctx context.Context, head envelope, p part) {
	data, err := encodePart(head, p)
	if err == nil && (!b.lease.Valid() || b.c.NATS.Status() != nats.CONNECTED) {
		return
	}
	if err == nil {
		err = b.c.NATS.PublishMsg(signed(b.subject, b.token, data))
	}
	if err != nil {
		b.c.Log.WarnContext(ctx, "relay: a message was not sent", slog.Int64("position", p.end.position), slog.Any("error", err))
		return
	}
	b.announced = true
	b.sent.Add(1)
}
