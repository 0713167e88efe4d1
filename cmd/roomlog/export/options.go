package export

import (
	"fmt"
	"strings"

	"roomlog/domain"
)

// Format is the format of the files of an export.
type Format string

// The formats.
const (
	Parquet Format = "parquet"
	CSV     Format = "csv"
	NDJSON  Format = "ndjson"
)

// Filter selects the events of an export.
type Filter struct {
	Types []string      `json:"types,omitempty"` // event types; empty: all
	Live  domain.LiveID `json:"live,omitempty"`  // live whose events are exported; 0: all lives
	User  domain.UserID `json:"user,omitempty"`  // only events that this user caused; 0: all
}

// String returns the flags of f.
func (f Filter) String() string {
	var flags []string
	for _, t := range f.Types {
		flags = append(flags, "--type "+t)
	}
	if f.Live != 0 {
		flags = append(flags, fmt.Sprintf("--live %d", f.Live))
	}
	if f.User != 0 {
		flags = append(flags, fmt.Sprintf("--user %d", f.User))
	}
	if len(flags) == 0 {
		return "no filter"
	}
	return strings.Join(flags, " ")
}

// defaultSegment is the default number of events of a segment.
const defaultSegment = 100_000

// Options selects what is exported, and where to.
type Options struct {
	Dir      string
	Format   Format
	Filter   Filter
	Personal bool // whether the files contain private fields

	SegmentEvents int64          // maximum number of events of a segment; 0: 100,000
	Progress      func(Progress) // called after each segment and after every 10,000 events; nil: not called
}

// Progress says how much of the log an export has written.
type Progress struct {
	Position, Head int64 // position that is being written, and the end of the log
}

const progressEvents = 10_000
