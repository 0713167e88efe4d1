package record

import (
	"time"

	"roomlog/media"
	"roomlog/media/flv"
)

// Recording describes the recording of one broadcast.
type Recording struct {
	Folder    string
	ID        string
	StartedAt time.Time
	EndedAt   time.Time // zero while it is running
	Reason    Reason
	Length    time.Duration // of all parts
	Bytes     int64         // on disk
	Skips     uint64        // times that the disk was too slow and frames are missing
	Parts     []Part
}

// Part describes one media file of a recording.
type Part struct {
	File      string // file name
	StartedAt time.Time
	Length    time.Duration
	Bytes     int64
	Video     flv.Codec // "" without video
	Audio     flv.Codec // "" without audio
	Size      flv.Size  // zero if unknown
}

// Reason is why a recording has ended or was deleted: the reason of its broadcast, or one of those below.
type Reason string

// The reasons of this package.
const (
	ReasonDiskFull    Reason = "disk_full"   // there was no space on the disk
	ReasonQuota       Reason = "quota"       // recordings had used up their quota
	ReasonInterrupted Reason = "interrupted" // the process that wrote it was killed
	ReasonParts       Reason = "parts"       // the stream changed its size or codec too often
	ReasonFailed      Reason = "failed"      // writing failed
	ReasonExpired     Reason = "expired"     // deleted after RecordKeep
	ReasonUnknown     Reason = "unknown"     // the reason of the broadcast is not known
)

// ReasonOf returns the reason of a broadcast's end as the reason of its recording's end.
func ReasonOf(reason media.Reason) Reason { return Reason(reason) }

// updateLength sets the length to that of all parts.
func (r *Recording) updateLength() {
	r.Length = 0
	for _, p := range r.Parts {
		r.Length += p.Length
	}
}
