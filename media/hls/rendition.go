package hls

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4/seekablebuffer"

	"roomlog/media/mp4track"
)

const (
	trackID   = 1   // each file has one track
	frameSize = 128 // memory that a frame needs besides its payload, in bytes
)

var errSize = errors.New("hls: the segment has reached its maximum size")

// sample is a frame of a track.
type sample struct {
	fmp4.Sample
	at   int64     // decoding time, in the time scale of the track
	wall time.Time // wall-clock time of the frame
}

// rendition holds the files of one track, and its playlist.
type rendition struct {
	cfg   Config
	files *fileStore
	run   string // prefix of the names of the files
	name  string // name of the rendition, such as "video1"
	kind  string // MIME type of the files
	track *mp4track.Track
	leads bool // whether the parts of all tracks end where those of this one do
	list  playlist.Media
	sizes []segmentSize // of the segments of the playlist, without gaps
	older [][]string    // names of the files of segments that have left the playlist, which are still served

	faults   int   // number of consecutive frames that could not be segmented
	newest   int64 // time of the newest frame, in ms since the first frame of the run
	received bool  // whether a frame has arrived

	waits       *sample // newest frame; its length is known when the next one arrives
	frame       uint32  // length of the frame before the newest one, in the time scale of the track
	started     bool    // whether a player can begin at a picture that was received
	samples     []*fmp4.Sample
	start       int64 // decoding time of the first frame of the incomplete part
	independent bool  // whether the incomplete part contains a frame at which a player can begin
	parts       []storedPart
	size        int  // size of the incomplete segment, in bytes of memory
	full        bool // whether frames of the incomplete segment were left out
}

// storedPart is a part of the incomplete segment.
type storedPart struct {
	name  string
	bytes []byte
}

// segmentSize is the size and the length of a segment.
type segmentSize struct {
	files  []string // names of the segment and of its parts
	bytes  int
	length time.Duration
}

// newRendition returns a track of a run. The first one leads.
func newRendition(cfg Config, files *fileStore, run, kind string, number int, t *mp4track.Track) *rendition {
	r := &rendition{cfg: cfg, files: files, run: run, name: fmt.Sprint(kind, number), kind: kind + "/mp4", track: t, leads: number == 1}
	r.list = playlist.Media{Version: 10, ServerControl: &playlist.MediaServerControl{}, Map: &playlist.MediaMap{URI: r.uri(r.file("init.mp4"))},
		PreloadHint: &playlist.MediaPreloadHint{URI: r.uri(r.partFile(0))}}
	return r
}

// file returns the name of a file of the track.
func (r *rendition) file(suffix string) string { return r.run + "_" + r.name + "_" + suffix }

// uri returns a reference to a file.
func (r *rendition) uri(file string) string { return file + "?" + TokenArg + "=" + r.cfg.Token }

func (r *rendition) partFile(number int) string { return r.file(fmt.Sprintf("part%d.mp4", number)) }

func (r *rendition) ticks(d time.Duration) int64 {
	return int64(d/time.Second) * int64(r.track.TimeScale)
}

// duration converts a time of the track.
func (r *rendition) duration(ticks int64) time.Duration {
	scale := int64(r.track.TimeScale)
	return time.Duration(ticks/scale)*time.Second + time.Duration(ticks%scale)*time.Second/time.Duration(scale)
}

func (r *rendition) writeInit() error {
	init := fmp4.Init{Tracks: []*fmp4.InitTrack{{ID: trackID, TimeScale: uint32(r.track.TimeScale), Codec: r.track.MP4Codec}}}
	var out seekablebuffer.Buffer
	if err := init.Marshal(&out); err != nil {
		return err
	}
	r.files.put(r.file("init.mp4"), r.kind, out.Bytes())
	return nil
}

// append appends a frame to the incomplete part. If the segment would be too large, or if late is true, it leaves out the
// frame and all later frames of this segment, because they may depend on it. It then returns errSize: for each frame of the
// track that leads, and once per segment for other tracks, which cannot end the segment.
func (r *rendition) append(s *sample, late bool) error {
	size := len(s.Payload) + frameSize
	if r.full || late || r.size+size > r.cfg.MaxSegment {
		again := r.full
		r.full = true
		if again && !r.leads {
			return nil
		}
		return errSize
	}
	r.size += size
	if r.samples == nil {
		r.start = s.at
	}
	r.independent = r.independent || !s.IsNonSyncSample && r.leads
	r.samples = append(r.samples, &s.Sample)
	return nil
}

// endPart writes the incomplete part and begins the next one.
func (r *rendition) endPart(number int, length time.Duration) error {
	part := fmp4.Part{SequenceNumber: uint32(number)}
	if r.samples != nil {
		part.Tracks = []*fmp4.PartTrack{{ID: trackID, BaseTime: uint64(r.start), Samples: r.samples}}
	}
	var out seekablebuffer.Buffer
	if err := part.Marshal(&out); err != nil {
		return err
	}
	stored := storedPart{r.partFile(number), out.Bytes()}
	r.files.put(stored.name, r.kind, stored.bytes)
	r.parts = append(r.parts, stored)
	r.list.Parts = append(r.list.Parts, &playlist.MediaPart{Duration: length, URI: r.uri(stored.name), Independent: r.independent})
	r.list.PreloadHint = &playlist.MediaPreloadHint{URI: r.uri(r.partFile(number + 1))}
	r.samples, r.independent = nil, false
	return nil
}

// endSegment makes a segment of the parts since the last one. The first segment follows gaps, which iOS needs. The oldest segment
// leaves the playlist. Its files are served while another Config.Segments+1 segments are added (RFC 8216, section 6.2.2), because
// players may still have an older version of the playlist.
func (r *rendition) endSegment(number int, length time.Duration, wall time.Time) {
	file := r.file(fmt.Sprintf("seg%d.mp4", number))
	s := segmentSize{files: []string{file}, length: length}
	var chunks [][]byte
	for _, part := range r.parts {
		chunks = append(chunks, part.bytes)
		s.bytes += len(part.bytes)
		s.files = append(s.files, part.name)
	}
	r.files.put(file, r.kind, chunks...)
	if number == firstSegment {
		for range firstSegment {
			r.list.Segments = append(r.list.Segments, &playlist.MediaSegment{Gap: true, Duration: length, URI: r.uri(gapFile)})
		}
	}
	r.list.Segments = append(r.list.Segments, &playlist.MediaSegment{Duration: length, URI: r.uri(file), DateTime: &wall, Parts: r.list.Parts})
	r.sizes = append(r.sizes, s)
	r.list.Parts, r.parts, r.size, r.full = nil, nil, 0, false
	if len(r.list.Segments) > r.cfg.Segments {
		if oldest := r.list.Segments[0]; !oldest.Gap {
			r.older = append(r.older, r.sizes[0].files)
			r.sizes = r.sizes[1:]
			if len(r.older) > r.cfg.Segments+1 {
				r.files.remove(r.older[0])
				r.older = r.older[1:]
			}
		}
		r.list.Segments = r.list.Segments[1:]
		r.list.MediaSequence++
	}
}

// snapshot returns the playlist as it is now, with the segment numbers of the run. Its segments and parts do not change.
func (r *rendition) snapshot() playlist.Media {
	list := r.list
	list.Segments, list.Parts = slices.Clone(list.Segments), slices.Clone(list.Parts)
	for _, segment := range list.Segments {
		list.TargetDuration = max(1, list.TargetDuration, int(segment.Duration.Round(time.Second)/time.Second))
	}
	return list
}

// bandwidth returns the highest and the average bit rate of the segments, in bits per second.
func (r *rendition) bandwidth() (highest, average int) {
	var bytes int
	var length time.Duration
	for _, s := range r.sizes {
		if s.length > 0 {
			highest = max(highest, int(float64(8*s.bytes)/s.length.Seconds()))
		}
		bytes, length = bytes+s.bytes, length+s.length
	}
	if length > 0 {
		average = int(float64(8*bytes) / length.Seconds())
	}
	return highest, average
}
