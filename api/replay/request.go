package replay

import (
	"context"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
)

// Format is the encoding of the lines of a replay.
type Format int

// The formats.
const (
	NDJSON           Format = iota // one JSON object per line
	ServerSentEvents               // server-sent events, the format of the EventSource API of browsers
)

// Request selects a part of the log.
type Request struct {
	Query  eventstore.Query // filters and start position; its Limit is ignored
	After  string           // the cursor of the start position
	Follow bool             // continue as the log grows
	Limit  int64            // maximum number of events; 0: no limit
	Format Format

	Personal bool // with private fields
}

// Config configures a Player. All fields are required.
type Config struct {
	Store        *eventstore.Store
	Now          func() time.Time
	Draining     <-chan struct{} // closing the channel ends all replays
	Heartbeat    time.Duration   // maximum time between two lines
	CheckEvery   time.Duration   // time between two calls of Check
	SlowReader   time.Duration   // time to send one chunk after which a reader is disconnected with a cursor
	WriteTimeout time.Duration   // time to send one chunk after which a reader is disconnected without a cursor

	// Check returns an error when the client may no longer read.
	Check func(context.Context) error
	// Problem returns the code and the text of an error for the last line.
	Problem func(ctx context.Context, err error) (code domain.Code, text string)
}
