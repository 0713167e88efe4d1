package replay

import (
	"context"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
)

// Format is the encoding of the lines.
type Format int

// The formats.
const (
	NDJSON           Format = iota // one JSON object per line
	ServerSentEvents               // as an EventSource of a browser reads them
)

// Request selects a part of the log.
type Request struct {
	Query  eventstore.Query // filters, and the position after which to start; its Limit is ignored
	After  string           // the cursor of that position
	Follow bool             // continue as the log grows
	Limit  int64            // events; 0: no limit
	Format Format
}

// Config configures a Player. All fields are required.
type Config struct {
	Store        *eventstore.Store
	Now          func() time.Time
	Draining     <-chan struct{} // closed to end all replays
	Heartbeat    time.Duration   // longest silence of a stream, and the time between two calls of Check
	SlowReader   time.Duration   // a reader that takes longer for one chunk is disconnected with a cursor
	WriteTimeout time.Duration   // a reader that takes longer for one chunk is cut off

	Check func(context.Context) error                      // returns an error when the reader may read no longer
	Code  func(ctx context.Context, err error) domain.Code // returns the code of an error for the last line
}
