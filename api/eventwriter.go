package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"roomlog/domain"
	"roomlog/eventstore"
)

// eventLine is one event of a replay. Data is the newest version of its type. Texts of users are readable, or "erased" if
// the user was forgotten.
type eventLine struct {
	Cursor     string        `json:"cursor" doc:"for the parameter after"`
	Position   int64         `json:"position"`
	Stream     domain.Stream `json:"stream"`
	Version    int           `json:"version" doc:"of the stream"`
	EventID    string        `json:"event_id"`
	Type       string        `json:"type" example:"gift.sent.v1"`
	Data       domain.Event  `json:"data" doc:"null for an event that this version of the server cannot read"`
	Actor      string        `json:"actor" example:"user-12"`
	Live       domain.LiveID `json:"live,omitempty"`
	RecordedAt time.Time     `json:"recorded_at"`

	Undecodable string          `json:"undecodable,omitempty" doc:"why there is no data; type and payload are as stored"`
	Payload     json.RawMessage `json:"payload,omitempty" doc:"stored payload of an event that this version of the server cannot read; its texts are encrypted"`
}

func newEventLine(r eventstore.Record) eventLine {
	line := eventLine{
		Cursor: eventstore.CursorOf(r), Position: r.Position, Stream: r.Stream, Version: r.Version, EventID: r.ID.String(),
		Type: r.Type, Data: r.Event, Actor: r.Metadata.Actor, Live: r.LiveID, RecordedAt: r.RecordedAt,
	}
	if r.Fault != nil {
		line.Undecodable, line.Payload = r.Fault.Error(), r.Payload
	} else {
		line.Type = r.Event.Type()
	}
	return line
}

// cursorLine is a line without an event. Its cursor is the position up to which the log was searched. End is set in the last
// line.
type cursorLine struct {
	Cursor string `json:"cursor"`
	End    string `json:"end,omitempty"`
}

// errReaderLost means that a write to the reader failed or timed out.
var errReaderLost = errors.New("the reader was disconnected")

const chunkBytes = 32 << 10 // written and timed together

// eventWriter writes the lines of one replay.
type eventWriter struct {
	w         http.ResponseWriter
	control   *http.ResponseController
	now       func() time.Time
	lines     bool          // NDJSON; otherwise server-sent events
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

func (s *server) newEventWriter(w http.ResponseWriter, request replay) *eventWriter {
	h := w.Header()
	h.Set("Content-Type", "application/x-ndjson")
	if !request.lines {
		h.Set("Content-Type", "text/event-stream")
	}
	h.Set("X-Accel-Buffering", "no") // otherwise proxies buffer lines
	after := request.query.After
	return &eventWriter{
		w: w, control: http.NewResponseController(w), now: s.Now, lines: request.lines,
		slowAfter: s.SlowEventReader, timeout: s.EventWriteTimeout,
		cursor: request.after, position: after, scanned: after, wroteAt: s.Now(),
	}
}

// writeEvents writes one line for each event.
func (e *eventWriter) writeEvents(events []eventstore.Record) error {
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
func (e *eventWriter) writeHeartbeat(ctx context.Context, store *eventstore.Store) error {
	if err := e.advanceCursor(ctx, store); err != nil {
		return err
	}
	if err := e.buffered("cursor", cursorLine{Cursor: e.cursor}); err != nil {
		return err
	}
	return e.flush()
}

// writeEnd writes the last line, with the reason.
func (e *eventWriter) writeEnd(ctx context.Context, store *eventstore.Store, reason string) {
	if e.advanceCursor(ctx, store) != nil {
		reason = string(domain.CodeBusy) // the reader continues from the cursor of the newest line
	}
	if e.buffered("cursor", cursorLine{e.cursor, reason}) == nil {
		_ = e.flush() // the reader may be gone
	}
}

// advanceCursor moves the cursor to the position up to which the log was searched.
func (e *eventWriter) advanceCursor(ctx context.Context, store *eventstore.Store) error {
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
func (e *eventWriter) buffered(name string, body any) error {
	if !e.lines {
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
	if !e.lines {
		e.buffer.WriteByte('\n')
	}
	return nil
}

// flush sends the buffer. The first call sends the header too.
func (e *eventWriter) flush() error {
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

func documentEvents(o *huma.Operation, schemas huma.Registry) {
	line := o.Responses["200"].Content["application/json"].Schema
	o.Responses["200"].Description = "One line per event. A line with only a cursor reports the position up to which the log was searched. " +
		"The last line also has end: head, limit, slow, shutdown or an error code."
	o.Responses["200"].Content = map[string]*huma.MediaType{
		"application/x-ndjson": {Schema: line}, "text/event-stream": {Schema: line},
	}
	parameter := func(name string, schema *huma.Schema, text string) {
		o.Parameters = append(o.Parameters, &huma.Param{Name: name, In: "query", Schema: schema, Description: text})
	}
	parameter("after", &huma.Schema{Type: huma.TypeString}, "cursor to continue from; default: the beginning")
	parameter("type", &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString}}, "only these event types")
	parameter("live", &huma.Schema{Type: huma.TypeInteger}, "only events of this live")
	parameter("user", &huma.Schema{Type: huma.TypeInteger}, "only events that this user caused")
	parameter("follow", &huma.Schema{Type: huma.TypeBoolean}, "continue as the log grows; the default for server-sent events")
	parameter("limit", &huma.Schema{Type: huma.TypeInteger}, "end after this number of events")
	o.Parameters = append(o.Parameters, &huma.Param{Name: "Last-Event-ID", In: "header",
		Schema: &huma.Schema{Type: huma.TypeString}, Description: "cursor to continue from, as an EventSource sends it"})
}
