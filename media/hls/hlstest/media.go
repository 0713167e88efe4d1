package hlstest

import (
	"bytes"
	"fmt"
	"math"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
)

// Media checks that the files of one track follow each other without a hole, and last as long as the playlist says.
type Media struct {
	// MaxSample is the maximum duration of a sample in seconds. A longer sample covers frames that were lost.
	MaxSample float64
	// Slack is the maximum difference between the durations of the files and those of the playlist, in seconds.
	Slack float64

	Listed float64 // sum of the durations in the playlist, in seconds

	scale float64 // ticks per second
	begin uint64  // begin of the sample in ticks
	end   uint64
	any   bool
}

// Init reads the init file of the track.
func (m *Media) Init(file []byte) error {
	var init fmp4.Init
	if err := init.Unmarshal(bytes.NewReader(file)); err != nil {
		return err
	}
	if len(init.Tracks) != 1 {
		return fmt.Errorf("%d tracks in the init file", len(init.Tracks))
	}
	m.scale = float64(init.Tracks[0].TimeScale)
	return nil
}

// Add checks the next file, a segment or a part, which lasts for listed seconds according to the playlist.
func (m *Media) Add(file []byte, listed float64) error {
	var parts fmp4.Parts
	if err := parts.Unmarshal(file); err != nil {
		return err
	}
	for _, part := range parts {
		for _, track := range part.Tracks {
			if m.any && track.BaseTime != m.end {
				return fmt.Errorf("the media begins at %.3f s, %.3f s after the end of the media before", float64(track.BaseTime)/m.scale, (float64(track.BaseTime)-float64(m.end))/m.scale)
			}
			if !m.any {
				m.any, m.begin, m.end = true, track.BaseTime, track.BaseTime
			}
			for _, sample := range track.Samples {
				if d := float64(sample.Duration) / m.scale; d > m.MaxSample {
					return fmt.Errorf("a sample at %.3f s lasts %.3f s", float64(m.end)/m.scale, d)
				}
				m.end += uint64(sample.Duration)
			}
		}
	}
	m.Listed += listed
	if length := float64(m.end-m.begin) / m.scale; math.Abs(length-m.Listed) > m.Slack {
		return fmt.Errorf("the media lasts %.3f s, %.3f s in the playlist", length, m.Listed)
	}
	return nil
}
