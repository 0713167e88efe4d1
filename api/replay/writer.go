package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
)

// errReaderLost means that a write to the reader failed or timed out.
var errReaderLost = errors.New("the reader was disconnected")

const chunkBytes = 32 << 10 // written and timed together

// writer writes the lines of one replay.
type writer struct {
	w         http.ResponseWriter
	control   *http.ResponseController
	now       func() time.Time
	ndjson    bool          // otherwise server-sent events
	slowAfter time.Duration // a chunk that takes longer makes the reader slow
	timeout   time.Duration // of writing one chunk

	buffer   bytes.Buffer
	cursor   string    // of the newest line
	position int64     // of cursor
	scanned  int64     // position up to which the log was searched; at least position
	wroteAt  time.Time // time of the newest write
	started  bool      // the header was sent
	slow     bool
}

func newWriter(c Config, w http.ResponseWriter, request Request) *writer {
	h := w.Header()
	h.Set("Content-Type", "application/x-ndjson")
	if request.Format == ServerSentEvents {
		h.Set("Content-Type", "text/event-stream")
	}
	h.Set("X-Accel-Buffering", "no") // otherwise proxies buffer lines
	after, now := request.Query.After, c.Now
	return &writer{
		w: w, control: http.NewResponseController(w), now: now, ndjson: request.Format == NDJSON,
		slowAfter: c.SlowReader, timeout: c.WriteTimeout,
		cursor: request.After, position: after, scanned: after, wroteAt: now(),
	}
}

// writeEvents writes one line for each event.
func (e *writer) writeEvents(events []eventstore.Record) error {
	for _, r := range events {
		e.cursor, e.position = eventstore.CursorOf(r), r.Position
		err := e.buffered("", newEventLine(r))
		if err == nil && e.buffer.Len() >= chunkBytes {
			err = e.flush()
		}
		if err != nil {
			return err
		}
	}
	return e.flush()
}

// writeHeartbeat writes a cursor, so that a reader whose filter matches nothing still makes progress.
func (e *writer) writeHeartbeat(ctx context.Context, store *eventstore.Store) error {
	if err := e.advanceCursor(ctx, store); err != nil {
		return err
	}
	if err := e.buffered("cursor", cursorLine{Cursor: e.cursor}); err != nil {
		return err
	}
	return e.flush()
}

// writeEnd writes the last line, with the reason.
func (e *writer) writeEnd(ctx context.Context, store *eventstore.Store, reason string) {
	if e.advanceCursor(ctx, store) != nil {
		reason = string(domain.CodeBusy) // the reader continues from the cursor of the newest line
	}
	if e.buffered("cursor", cursorLine{e.cursor, reason}) == nil {
		_ = e.flush() // the reader may be gone
	}
}

// advanceCursor moves the cursor to the position up to which the log was searched.
func (e *writer) advanceCursor(ctx context.Context, store *eventstore.Store) error {
	if e.scanned <= e.position {
		return nil
	}
	cursor, err := store.Cursor(ctx, e.scanned)
	if err == nil {
		e.cursor, e.position = cursor, e.scanned
	}
	return err
}

// buffered adds one line to the buffer. name is the name of the server-sent event; events of the log have none, so that pages
// receive all of them with one handler.
func (e *writer) buffered(name string, body any) error {
	if !e.ndjson {
		e.buffer.WriteString("id: " + e.cursor + "\n")
		if name != "" {
			e.buffer.WriteString("event: " + name + "\n")
		}
		e.buffer.WriteString("data: ")
	}
	encoder := json.NewEncoder(&e.buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil { // exactly one line
		return err
	}
	if !e.ndjson {
		e.buffer.WriteByte('\n')
	}
	return nil
}

// flush sends the buffer. The first call sends the header too.
func (e *writer) flush() error {
	if e.buffer.Len() == 0 && e.started {
		return nil
	}
	startedAt := e.now()
	e.started, e.wroteAt = true, startedAt
	if err := e.control.SetWriteDeadline(startedAt.Add(e.timeout)); err != nil {
		return errors.Join(errReaderLost, err)
	}
	_, err := e.w.Write(e.buffer.Bytes())
	e.buffer.Reset()
	if err == nil {
		err = e.control.Flush()
	}
	if err != nil {
		return errors.Join(errReaderLost, err)
	}
	e.slow = e.slow || e.now().Sub(startedAt) > e.slowAfter
	return nil
}
