package replay

import (
	"context"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
)

// Format is the format in which a replay is sent.
type Format int

// The formats.
const (
	NDJSON           Format = iota // each line is a JSON object
	ServerSentEvents               // server-sent events, the format of the EventSource API of browsers
)

// Request selects a part of the log.
type Request struct {
	Query  eventstore.Query // filters and start position; the field Limit is ignored
	After  string           // cursor of the start position
	Follow bool             // whether the replay continues as the log grows
	Limit  int64            // maximum number of events; 0: no limit
	Format Format

	Personal bool // whether the events contain private fields
}

// Config configures a Player. All fields are required.
type Config struct {
	Store        *eventstore.Store
	Now          func() time.Time
	Draining     <-chan struct{} // when this channel is closed, all replays end
	Heartbeat    time.Duration   // maximum time between two lines
	CheckEvery   time.Duration   // interval between two calls of Check
	SlowReader   time.Duration   // time for sending one chunk, after which a reader is disconnected with a cursor
	WriteTimeout time.Duration   // time for sending one chunk, after which a reader is disconnected without a cursor

	// Check returns an error if the client may no longer read.
	Check func(context.Context) error
	// Problem returns the code and the text of an error, for the last line.
	Problem func(ctx context.Context, err error) (code domain.Code, text string)
}
