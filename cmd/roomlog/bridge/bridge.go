package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"roomlog/eventstore"
	"roomlog/internal/loglimit"
	"roomlog/internal/wait"
	"roomlog/projections"
)

const (
	batchEvents     = 500              // maximum number of events of a batch
	databaseTimeout = 30 * time.Second // maximum time for the reads of a batch
	poll            = time.Second      // interval at which the bridge looks for released events without a notification
	firstRetry      = 100 * time.Millisecond
	lastRetry       = 5 * time.Second
	onceTimeout     = time.Minute // time without a success after which a bridge with Once ends
)

// Config configures a Bridge. Store, Conn, Stream, Now and Log are required.
type Config struct {
	Store    *eventstore.Store
	Conn     *nats.Conn
	Stream   string        // name of the stream
	Replicas int           // number of servers that store a new stream; 0: 1
	MaxAge   time.Duration // age at which a new stream removes messages; 0: never
	Sealed   bool          // whether messages contain personal texts, sealed as in the log

	// AcceptRemoved lets the bridge continue a stream whose newest message was removed, although it cannot compare it with
	// the log.
	AcceptRemoved bool

	Once     bool                           // whether Run returns when the stream contains everything that was released before Run was called
	Progress func(position, released int64) // called after each batch; nil: not called
	Now      func() time.Time
	Log      *slog.Logger
}

// Bridge copies a log into a stream.
type Bridge struct {
	c       Config
	stream  *stream
	cause   loglimit.Cause
	at      int64  // position of the newest message; -1: not known
	cursor  string // cursor of the event at position at, if the bridge has seen or written it
	history int64  // number of the history with which the newest message was compared

	position  atomic.Int64 // position of the newest message, for metrics
	released  atomic.Int64
	behind    atomic.Int64 // time in nanoseconds since which events wait; 0: none
	copied    atomic.Int64
	conflicts atomic.Int64
	failures  atomic.Int64
}

// New returns a Bridge. It sends nothing.
func New(c Config) (*Bridge, error) {
	if c.Progress == nil {
		c.Progress = func(int64, int64) {}
	}
	s, err := openStream(c.Conn, c.Stream, max(c.Replicas, 1), c.MaxAge, c.Log)
	if err != nil {
		return nil, err
	}
	return &Bridge{c: c, stream: s, at: -1}, nil
}

// Position returns the position of the newest event that is known to be in the stream.
func (b *Bridge) Position() int64 { return b.position.Load() }

// Run copies until ctx ends, and then returns nil. It continues after faults of NATS and of the database. It returns ErrDiverged or
// ErrUnfit if the stream cannot be continued.
func (b *Bridge) Run(ctx context.Context) error {
	retry, contest := wait.Backoff{Min: firstRetry, Max: lastRetry}, wait.Backoff{Min: firstRetry, Max: lastRetry}
	until, worked := int64(-1), b.c.Now()
	for ctx.Err() == nil {
		seen := b.c.Store.Projected().Count()
		n, err := b.batch(ctx)
		if err != nil {
			b.at = -1
		} else if until < 0 {
			until = b.released.Load()
		}
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the bridge ends with ctx
		case errors.Is(err, ErrDiverged), errors.Is(err, ErrUnfit):
			return err
		case err != nil && b.c.Once && b.c.Now().Sub(worked) > onceTimeout:
			return err
		case errors.Is(err, errConflict):
			b.conflicts.Add(1)
			b.c.Log.DebugContext(ctx, "another bridge has written the stream", slog.String("nats_stream", b.c.Stream))
			contest.Wait(ctx) // longer each time, so that the other one writes undisturbed
		case err != nil:
			b.failures.Add(1)
			if b.cause.Changed(err) {
				b.c.Log.WarnContext(ctx, "copying interrupted, trying again", slog.Any("error", err))
			}
			retry.Wait(ctx)
		default:
			if b.cause.Changed(nil) {
				b.c.Log.InfoContext(ctx, "copying again", slog.Int64("position", b.at))
			}
			worked = b.c.Now()
			retry.Reset()
			if n > 0 {
				contest.Reset()
				b.c.Progress(b.at, b.released.Load())
			}
			if b.c.Once && b.at >= until {
				return nil
			}
			if b.at >= b.released.Load() {
				b.c.Store.Projected().Wait(ctx, seen, poll)
			}
		}
	}
	return nil
}

// batch copies released events that follow the newest message of the stream, and returns their number.
func (b *Bridge) batch(ctx context.Context) (int, error) {
	reading, cancel := context.WithTimeout(ctx, databaseTimeout)
	defer cancel()
	number := b.c.Store.History().Number
	checkpoint, err := projections.ReadCheckpoint(reading, b.c.Store.Pool())
	if err != nil {
		return 0, err
	}
	b.see(b.position.Load(), checkpoint.Position)
	if b.at >= checkpoint.Position && b.history == number {
		return 0, nil
	}
	last, err := b.compare(reading)
	if err != nil {
		return 0, err
	}
	b.at, b.history = last, number
	b.see(last, checkpoint.Position)
	if checkpoint.Position <= last {
		return 0, nil
	}
	events, err := b.read(reading, last, checkpoint.Position)
	if err != nil {
		return 0, err
	}
	messages := make([]*nats.Msg, len(events))
	for i, r := range events {
		if r.Position != last+1+int64(i) {
			return 0, fmt.Errorf("the log has no event at position %d: run roomlog verify", last+1+int64(i))
		}
		if messages[i], err = newMessage(b.c.Store, r, b.c.Stream, b.c.Sealed); err != nil {
			return 0, err
		}
	}
	if len(messages) == 0 {
		return 0, nil
	}
	if err := b.stream.publish(last, messages); err != nil {
		return 0, err
	}
	newest := events[len(messages)-1]
	b.at, b.cursor = newest.Position, eventstore.CursorOf(newest)
	b.copied.Add(int64(len(messages)))
	b.see(b.at, checkpoint.Position)
	return len(messages), nil
}

// read returns events after a position up to another one. The statement that reads them also reads the event at the position, which must
// be that of the newest message: during a failover, the connections of the pool may lead to different servers.
func (b *Bridge) read(ctx context.Context, after, upTo int64) ([]eventstore.Record, error) {
	q := eventstore.Query{After: max(after-1, 0), UpTo: upTo, Limit: batchEvents, History: b.history}
	page, err := b.c.Store.Read(ctx, q)
	switch {
	case err != nil:
		return nil, err
	case after == 0:
		return page.Events, nil
	case len(page.Events) == 0 || page.Events[0].Position != after || b.cursor != "" && eventstore.CursorOf(page.Events[0]) != b.cursor:
		return nil, fmt.Errorf("read the event at position %d: %w", after, eventstore.ErrCursorLost)
	}
	return page.Events[1:], nil
}

// see remembers positions for metrics, and since when the stream is behind.
func (b *Bridge) see(position, released int64) {
	b.position.Store(position)
	b.released.Store(released)
	if position >= released {
		b.behind.Store(0)
	} else {
		b.behind.CompareAndSwap(0, b.c.Now().UnixNano())
	}
}

// compare returns the position of the newest message of the stream, after it has checked that the log contains its event.
func (b *Bridge) compare(ctx context.Context) (int64, error) {
	last, err := b.stream.newest(ctx)
	if err != nil || last.position == 0 {
		return 0, err
	}
	cursor := last.header.Get(headerCursor)
	if last.header == nil {
		if cursor, err = b.removed(ctx, last.position); err != nil || cursor == "" {
			b.cursor = ""
			return last.position, err
		}
	} else if err := b.checkHeader(last); err != nil {
		return 0, err
	}
	_, err = b.c.Store.ParseCursor(ctx, cursor)
	if errors.Is(err, eventstore.ErrCursorLost) {
		return 0, b.diverged(ctx, last.position, cursor)
	}
	if err != nil {
		return 0, err
	}
	b.cursor = cursor
	return last.position, nil
}

// checkHeader returns ErrDiverged unless this bridge could have written a message.
func (b *Bridge) checkHeader(m newest) error {
	source, cursor, sealed := m.header.Get(headerSource), m.header.Get(headerCursor), m.header.Get(headerSealed) == "true"
	switch {
	case source == "" || !strings.HasPrefix(cursor, fmt.Sprintf("%d.", m.position)) || eventstore.CheckCursor(cursor) != nil:
		return fmt.Errorf("%w: message %d of stream %s is not the event at position %d. Somebody else writes to the subjects %s.>: forbid it, and %s",
			ErrDiverged, m.position, b.c.Stream, m.position, b.c.Stream, b.cure())
	case source != sourceOf(b.c.Store):
		return fmt.Errorf("%w: stream %s contains the log %s, and this is the log %s. Check DATABASE_URL, or copy to another stream (--stream)",
			ErrDiverged, b.c.Stream, source, sourceOf(b.c.Store))
	case sealed != b.c.Sealed:
		return fmt.Errorf("%w: stream %s was written %s --sealed, and would be continued %s it. Use the same flag, or copy to another stream (--stream)",
			ErrDiverged, b.c.Stream, withOrWithout(sealed), withOrWithout(b.c.Sealed))
	}
	return nil
}

func withOrWithout(sealed bool) string {
	if sealed {
		return "with"
	}
	return "without"
}

// cure returns what an operator can do about a stream that cannot be continued.
func (b *Bridge) cure() string {
	return fmt.Sprintf("delete the stream, with its consumers (nats stream rm %s), and start the bridge again, which copies the log anew; or copy to another stream (--stream)", b.c.Stream)
}

// removed returns the cursor of a message that was removed from the stream, if this bridge has written or seen it. It returns "" if
// the stream is accepted without a comparison.
func (b *Bridge) removed(ctx context.Context, position int64) (cursor string, err error) {
	if strings.HasPrefix(b.cursor, fmt.Sprintf("%d.", position)) {
		return b.cursor, nil
	}
	head, err := b.c.Store.Head(ctx)
	switch {
	case err != nil:
		return "", err
	case head < position:
		return "", fmt.Errorf("%w: stream %s ends at position %d, and the log at position %d, so the log was restored to an earlier state. Tell its consumers; then %s",
			ErrDiverged, b.c.Stream, position, head, b.cure())
	case !b.c.AcceptRemoved:
		return "", fmt.Errorf("%w: message %d, the newest of stream %s, was removed by a purge or by the limits of the stream, so it cannot be compared with the log. "+
			"If the log was not restored since: --accept-removed. Otherwise %s", ErrDiverged, position, b.c.Stream, b.cure())
	}
	return "", nil
}

// diverged returns ErrDiverged for a stream with events that the log does not have any more.
func (b *Bridge) diverged(ctx context.Context, position int64, cursor string) error {
	head, err := b.c.Store.Head(ctx)
	if err != nil {
		return err
	}
	there := fmt.Sprintf("the log ends at position %d", head)
	if head >= position {
		own, err := b.c.Store.Cursor(ctx, position)
		if err != nil {
			return err
		}
		there = fmt.Sprintf("the log has event %s there", own)
	}
	common, err := b.common(ctx, min(position, head))
	until := fmt.Sprintf("They agree up to position %d", common)
	switch {
	case err != nil: // that they differ is known
		until = fmt.Sprintf("Up to which position they agree is not known (%v)", err)
	case common == 0:
		until = "They agree in no event that the stream still has"
	}
	return fmt.Errorf("%w: stream %s ends at position %d with event %s, and %s: the log was restored to an earlier state. %s. Tell the consumers of the stream; then %s",
		ErrDiverged, b.c.Stream, position, cursor, there, until, b.cure())
}

// common returns the newest position, at most limit, at which the stream and the log have the same event, or 0. Messages may be missing
// anywhere in the stream: its limits and operators remove them.
func (b *Bridge) common(ctx context.Context, limit int64) (int64, error) {
	info, err := b.stream.info(ctx)
	if err != nil {
		return 0, err
	}
	first := int64(info.State.FirstSeq)
	low, high := first-1, max(limit, first-1) // they agree at low, or low is before the stream
	for low < high {
		middle := low + (high-low+1)/2
		found, header, err := b.stream.next(ctx, uint64(middle))
		if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && int64(found) > high {
			high = middle - 1
			continue
		}
		if err != nil {
			return 0, err
		}
		_, err = b.c.Store.ParseCursor(ctx, header.Get(headerCursor))
		switch {
		case err == nil:
			low = int64(found)
		case errors.Is(err, eventstore.ErrCursorLost):
			high = middle - 1
		default:
			return 0, err
		}
	}
	if low < first {
		return 0, nil
	}
	return low, nil
}
