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

// eventLine is one event of a replay. Data is in the newest version of its type, with people's texts,
// or "erased" where a person was forgotten.
type eventLine struct {
	Cursor     string        `json:"cursor" doc:"goes into after"`
	Position   int64         `json:"position"`
	Stream     domain.Stream `json:"stream"`
	Version    int           `json:"version" doc:"of the stream"`
	EventID    string        `json:"event_id"`
	Type       string        `json:"type" example:"gift.sent.v1"`
	Data       domain.Event  `json:"data" doc:"null for an event that this program cannot read"`
	Actor      string        `json:"actor" example:"user-12"`
	Live       domain.LiveID `json:"live,omitempty"`
	RecordedAt time.Time     `json:"recorded_at"`

	Undecodable string          `json:"undecodable,omitempty" doc:"why there is no data: the program that wrote it knows more; type and payload are as written"`
	Payload     json.RawMessage `json:"payload,omitempty" doc:"of an event that this program cannot read; people's texts in it are sealed"`
}

func lineOf(r eventstore.Record) eventLine {
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

// cursorLine is a line without an event: how far the log has been looked through, and, in the last
// one, why it is the last.
type cursorLine struct {
	Cursor string `json:"cursor"`
	End    string `json:"end,omitempty"`
}

// errCutOff says that a reader takes nothing any more.
var errCutOff = errors.New("the reader was cut off")

const chunk = 32 << 10 // bytes written at once, and timed

// eventWriter writes the lines of one replay.
type eventWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	now     func() time.Time
	lines   bool          // NDJSON, else server-sent events
	patient time.Duration // with a reader, before it counts as slow
	most    time.Duration // before it is cut off

	buffer bytes.Buffer
	cursor string    // of the newest line
	at     int64     // and its position
	looked int64     // how far the log has been looked through; at or beyond at
	wrote  time.Time // when the newest line was written
	begun  bool
	slow   bool
}

func (s *server) newEventWriter(w http.ResponseWriter, asked replay) *eventWriter {
	h := w.Header()
	h.Set("Content-Type", "application/x-ndjson")
	if !asked.lines {
		h.Set("Content-Type", "text/event-stream")
	}
	h.Set("X-Accel-Buffering", "no") // proxies would hold lines back
	after := asked.query.After
	return &eventWriter{
		w: w, control: http.NewResponseController(w), now: s.Now, lines: asked.lines,
		patient: s.EventSlow, most: s.EventWriteTimeout,
		cursor: asked.after, at: after, looked: after, wrote: s.Now(),
	}
}

// events writes a line for each of found.
func (e *eventWriter) events(found []eventstore.Record) error {
	for _, r := range found {
		e.cursor, e.at = eventstore.CursorOf(r), r.Position
		err := e.line("", lineOf(r))
		if err == nil && e.buffer.Len() >= chunk {
			err = e.flush()
		}
		if err != nil {
			return err
		}
	}
	return e.flush()
}

// beat writes how far the log has been looked through, for a reader for whom nothing matched: it
// goes on from there another time.
func (e *eventWriter) beat(ctx context.Context, store *eventstore.Store) error {
	if err := e.lookUp(ctx, store); err != nil {
		return err
	}
	if err := e.line("cursor", cursorLine{Cursor: e.cursor}); err != nil {
		return err
	}
	return e.flush()
}

// end writes the last line, if the reader still takes one.
func (e *eventWriter) end(ctx context.Context, store *eventstore.Store, why string) {
	if e.lookUp(ctx, store) != nil {
		why = string(domain.CodeBusy) // the cursor of the newest line is good enough to go on from
	}
	if e.line("cursor", cursorLine{e.cursor, why}) == nil {
		_ = e.flush() // whoever takes it no more is not told
	}
}

// lookUp makes a cursor of how far the log has been looked through.
func (e *eventWriter) lookUp(ctx context.Context, store *eventstore.Store) error {
	if e.looked <= e.at {
		return nil
	}
	cursor, err := store.Cursor(ctx, e.looked)
	if err == nil {
		e.cursor, e.at = cursor, e.looked
	}
	return err
}

// line puts one line into the buffer. As a server-sent event it has a name only if it is none of
// the log's, so that a page sees all events in one place.
func (e *eventWriter) line(name string, body any) error {
	if !e.lines {
		e.buffer.WriteString("id: " + e.cursor + "\n")
		if name != "" {
			e.buffer.WriteString("event: " + name + "\n")
		}
		e.buffer.WriteString("data: ")
	}
	to := json.NewEncoder(&e.buffer)
	to.SetEscapeHTML(false)
	if err := to.Encode(body); err != nil { // ends with a line feed, and has no other
		return err
	}
	if !e.lines {
		e.buffer.WriteByte('\n')
	}
	return nil
}

// flush sends what is in the buffer, and before anything else the header.
func (e *eventWriter) flush() error {
	if e.buffer.Len() == 0 && e.begun {
		return nil
	}
	began := e.now()
	e.begun, e.wrote = true, began
	if err := e.control.SetWriteDeadline(began.Add(e.most)); err != nil {
		return errors.Join(errCutOff, err)
	}
	_, err := e.w.Write(e.buffer.Bytes())
	e.buffer.Reset()
	if err == nil {
		err = e.control.Flush()
	}
	if err != nil {
		return errors.Join(errCutOff, err)
	}
	e.slow = e.slow || e.now().Sub(began) > e.patient
	return nil
}

func documentEvents(o *huma.Operation, schemas huma.Registry) {
	line := o.Responses["200"].Content["application/json"].Schema
	o.Responses["200"].Description = "One line an event. A line with nothing but a cursor says how far the log was looked through; " +
		"the last line has end as well: head, limit, slow, shutdown or a code."
	o.Responses["200"].Content = map[string]*huma.MediaType{
		"application/x-ndjson": {Schema: line}, "text/event-stream": {Schema: line},
	}
	parameter := func(name string, of *huma.Schema, text string) {
		o.Parameters = append(o.Parameters, &huma.Param{Name: name, In: "query", Schema: of, Description: text})
	}
	parameter("after", &huma.Schema{Type: huma.TypeString}, "cursor to go on from; left out: the beginning")
	parameter("type", &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString}}, "only these types of events")
	parameter("live", &huma.Schema{Type: huma.TypeInteger}, "only this room")
	parameter("user", &huma.Schema{Type: huma.TypeInteger}, "only this person's doing")
	parameter("follow", &huma.Schema{Type: huma.TypeBoolean}, "go on as the log grows; so by default as server-sent events")
	parameter("limit", &huma.Schema{Type: huma.TypeInteger}, "end after so many events")
	o.Parameters = append(o.Parameters, &huma.Param{Name: "Last-Event-ID", In: "header",
		Schema: &huma.Schema{Type: huma.TypeString}, Description: "cursor to go on from, as an EventSource sends it"})
}
