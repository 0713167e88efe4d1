package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
)

// lastLineTimeout is the maximum time for sending the last line.
const lastLineTimeout = time.Second

// writer writes the lines of one replay.
type writer struct {
	sender
	envelope  envelope
	ndjson    bool          // whether the format is NDJSON; otherwise it is server-sent events
	slowAfter time.Duration // time for sending a chunk; if it takes longer, the client is too slow, and the replay ends

	buffer   bytes.Buffer
	cursor   string    // cursor of the line that was written last, or of the start
	position int64     // position of the event of the cursor
	scanned  int64     // position up to which the log was searched; at least position
	history  int64     // number of the history of the log that the positions belong to
	wroteAt  time.Time // time of the last write
	started  bool      // whether the HTTP header was sent
	wrote    bool      // whether a line was written
	slow     bool
}

func newWriter(c Config, w http.ResponseWriter, request Request) *writer {
	h := w.Header()
	h.Set("Content-Type", "application/x-ndjson")
	if request.Format == ServerSentEvents {
		h.Set("Content-Type", "text/event-stream")
	}
	h.Set("X-Accel-Buffering", "no") // proxies would buffer lines without this header
	after := request.Query.After
	return &writer{
		sender: newSender(c, w, request), envelope: newEnvelope(c.Store, request), ndjson: request.Format == NDJSON, slowAfter: c.SlowReader,
		cursor: request.After, position: after, scanned: after, history: request.Query.History, wroteAt: c.Now(),
	}
}

// hurry limits the write in progress to lastLineTimeout. Other goroutines may call it.
func (e *writer) hurry() {
	_ = e.control.SetWriteDeadline(e.now().Add(lastLineTimeout)) // fails only if the client has disconnected
}

// writeEvents writes one line for each event, until ctx ends.
func (e *writer) writeEvents(ctx context.Context, events []eventstore.Record) error {
	for _, r := range events {
		if err := ctx.Err(); err != nil {
			return err //nolint:wrapcheck // the caller has the cause
		}
		e.cursor, e.position = eventstore.CursorOf(r), r.Position
		err := e.buffered("", e.envelope.event(r))
		if err == nil && e.buffer.Len() >= chunkBytes {
			err = e.flush()
		}
		if err != nil {
			return err
		}
	}
	return e.flush()
}

// hasCursor reports whether the client knows the position up to which the log was searched.
func (e *writer) hasCursor() bool { return e.wrote && e.scanned <= e.position }

// writeCursor writes a line with a cursor and no event. A client whose filter matches no events can then continue from
// a newer position.
func (e *writer) writeCursor(ctx context.Context, store *eventstore.Store) error {
	if err := e.advanceCursor(ctx, store); err != nil {
		return err
	}
	if err := e.buffered("cursor", e.envelope.cursor(CursorLine{Cursor: e.cursor})); err != nil {
		return err
	}
	return e.flush()
}

// writeEnd writes the last line. The line contains the reason for the end and a text for people, or "" for none.
func (e *writer) writeEnd(ctx context.Context, store *eventstore.Store, reason, text string) {
	if e.advanceCursor(ctx, store) != nil {
		reason = string(domain.CodeBusy) // the client can continue from the cursor of its last line
	}
	whole := e.timeout
	e.timeout = min(whole, lastLineTimeout)
	if e.buffered("cursor", e.envelope.cursor(CursorLine{e.cursor, reason, text})) == nil && e.flush() == nil {
		e.timeout = whole
		e.end()
	}
}

// advanceCursor sets the cursor to the position up to which the log was searched.
func (e *writer) advanceCursor(ctx context.Context, store *eventstore.Store) error {
	if e.scanned <= e.position {
		return nil
	}
	cursor, err := cursorIn(ctx, store, e.scanned, e.history)
	if err == nil {
		e.cursor, e.position = cursor, e.scanned
	}
	return err
}

// buffered adds one line to the buffer. name is the name of the server-sent event. It is "" for events of the log, so
// that a page receives all of them with one handler.
func (e *writer) buffered(name string, body any) error {
	e.wrote = true
	if !e.ndjson {
		e.buffer.WriteString("id: " + e.cursor + "\n")
		if name != "" {
			e.buffer.WriteString("event: " + name + "\n")
		}
		e.buffer.WriteString("data: ")
	}
	if err := encode(&e.buffer, body); err != nil {
		return err
	}
	if !e.ndjson {
		e.buffer.WriteByte('\n')
	}
	return nil
}

// encode writes body as one line of JSON.
func encode(to *bytes.Buffer, body any) error {
	encoder := json.NewEncoder(to)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(body) //nolint:wrapcheck // fails only if the type cannot be encoded
}

// flush sends the buffer. The first call also sends the HTTP header.
func (e *writer) flush() error {
	if e.buffer.Len() == 0 && e.started {
		return nil
	}
	startedAt := e.now()
	e.started, e.wroteAt = true, startedAt
	err := e.send(e.buffer.Bytes())
	e.buffer.Reset()
	if err == nil {
		e.slow = e.slow || e.now().Sub(startedAt) > e.slowAfter
	}
	return err
}
