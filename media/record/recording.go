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
	Stream    string // key of the recorded stream; "" in a recording of an earlier version
	StartedAt time.Time
	EndedAt   time.Time // end of the recording; zero while it is running
	Reason    Reason
	Length    time.Duration // length of all parts
	Bytes     int64         // size on disk
	Skips     uint64        // number of gaps because the disk was too slow
	Parts     []Part
}

// Part describes one media file of a recording.
type Part struct {
	File      string // file name
	StartedAt time.Time
	Length    time.Duration
	Bytes     int64
	Video     flv.Codec // video codec; "" without video
	Audio     flv.Codec // audio codec; "" without audio
	Size      flv.Size  // zero if unknown
}

// Reason is the reason for the end or the deletion of a recording: the media.Reason of its broadcast, or a reason of
// this package.
type Reason string

// The reasons of this package.
const (
	ReasonDiskFull    Reason = "disk_full"   // there was no space on the disk
	ReasonQuota       Reason = "quota"       // recordings had used up their quota
	ReasonInterrupted Reason = "interrupted" // the process that wrote the recording was killed
	ReasonParts       Reason = "parts"       // the stream changed its size or codec too often
	ReasonFailed      Reason = "failed"      // writing failed
	ReasonExpired     Reason = "expired"     // deleted after RecordKeep
	ReasonUnknown     Reason = "unknown"     // the reason of the broadcast is not known
)

// ReasonOf returns the reason of the end of a broadcast as the reason of the end of its recording.
func ReasonOf(reason media.Reason) Reason { return Reason(reason) }

// updateLength sets the length of the recording to the total length of its parts.
func (r *Recording) updateLength() {
	r.Length = 0
	for _, p := range r.Parts {
		r.Length += p.Length
	}
}
