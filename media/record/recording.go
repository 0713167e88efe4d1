package record

import (
	"time"

	"roomlog/media"
	"roomlog/media/flv"
)

// Recording is what there is of one show.
type Recording struct {
	Folder    string
	ID        string
	StartedAt time.Time
	EndedAt   time.Time // zero while it is being written
	Reason    Reason
	Length    time.Duration // of all parts together
	Bytes     int64         // on the disk
	Skips     uint64        // how often the disk was too slow, and something is missing
	Parts     []Part
}

// Part is one file of a recording.
type Part struct {
	File      string // its name
	StartedAt time.Time
	Length    time.Duration
	Bytes     int64
	Video     flv.Codec // "" without picture
	Audio     flv.Codec // "" without sound
	Size      flv.Size  // zero if it is not known
}

// Reason is why a recording has ended: as its show did, or by one of those below.
type Reason string

// The reasons of our own.
const (
	ReasonDiskFull    Reason = "disk_full"   // there was no space on the disk
	ReasonQuota       Reason = "quota"       // recordings had taken all the space that they may
	ReasonInterrupted Reason = "interrupted" // the process that wrote it died
	ReasonParts       Reason = "parts"       // the stream changed its size or codec all the time
	ReasonFailed      Reason = "failed"      // writing it failed
	ReasonExpired     Reason = "expired"     // of a deletion: it was kept for as long as it should be
	ReasonUnknown     Reason = "unknown"     // nobody said
)

// ReasonOf is the end of a show as the end of its recording.
func ReasonOf(why media.Reason) Reason { return Reason(why) }

// total is the length and the bytes of the parts.
func (r *Recording) total() {
	r.Length = 0
	for _, p := range r.Parts {
		r.Length += p.Length
	}
}
