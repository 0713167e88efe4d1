package replay

import (
	"context"
	"log/slog"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/replica"
)

// Format is the format in which a replay is sent.
type Format string

// The formats.
const (
	NDJSON           Format = "ndjson" // each line is a JSON object
	ServerSentEvents Format = "sse"    // server-sent events, the format of the EventSource API of browsers
	JSON             Format = "json"   // one page as a JSON object, see Page
)

// Envelope is the form of each event.
type Envelope string

// The envelopes.
const (
	Plain       Envelope = "roomlog"     // each event is an EventLine
	CloudEvents Envelope = "cloudevents" // each event is a CloudEvent
)

// Request selects a part of the log.
type Request struct {
	Query  eventstore.Query // filters and start position; the fields Limit and UpTo are ignored
	After  string           // cursor of the start position
	Last   *int64           // position of the last event; nil: up to the end of the log, or to Before
	Before time.Time        // only events that were recorded before this time; zero: no bound
	Moving bool             // whether the start position depends on the time of the request, so that no page may be cached
	Follow bool             // whether the replay continues as the log grows
	Limit  int64            // maximum number of events; 0: no limit

	Format   Format
	Envelope Envelope
	Coding   string // how the response is compressed: contentcoding.Gzip, contentcoding.Zstd, or "" for not at all
	Schemas  string // URL of the folder of the JSON Schemas, for CloudEvents

	Personal bool // whether the events contain private fields
}

// Config configures a Player. All fields are required.
type Config struct {
	Store        *eventstore.Store
	Events       *replica.Reader // reads the events of Store
	Now          func() time.Time
	Log          *slog.Logger
	Draining     <-chan struct{} // when this channel is closed, all replays end
	Heartbeat    time.Duration   // maximum time between two lines
	CheckEvery   time.Duration   // interval between two calls of Check
	SlowReader   time.Duration   // if sending a chunk takes longer, the replay ends after the chunk, with a last line that has a cursor
	WriteTimeout time.Duration   // maximum time for sending a chunk; then the connection is closed without a last line

	// Check returns an error if the client may no longer read.
	Check func(context.Context) error
	// Problem returns the code and the text of an error, for the last line.
	Problem func(ctx context.Context, err error) (code domain.Code, text string)
}
