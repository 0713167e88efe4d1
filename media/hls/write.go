package hls

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"

	"roomlog/media/flv"
)

// Write segments a frame, or applies a sequence header. After an error no more frames can be written: waiting
// requests fail, and existing files are still served.
func (m *Muxer) Write(f Frame) error {
	info := f.Info()
	switch {
	case info.Kind == flv.Script:
		return nil
	case info.Header:
		changed, err := m.tracks.Update(info, f.Payload())
		if err != nil {
			m.cfg.OnError(err)
		}
		if changed {
			m.finish(false)
		}
		return nil
	case !info.Coded:
		return nil
	}
	m.reportUnsupported(info)
	if m.receiving != nil && m.receiving.run.jumps(f) {
		m.finish(false)
	}
	if m.receiving == nil {
		if err := m.start(f); err != nil {
			return m.fail(err)
		}
	}
	ended, err := m.receiving.run.write(f, m.cfg.OnError)
	if err != nil {
		return m.fail(err)
	}
	if ended {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.publish()
	}
	return nil
}

// End ends the incomplete segment, and marks the end of the stream, also in the playlists. The files are served until Close.
func (m *Muxer) End() {
	m.finish(true)
	m.mu.Lock()
	defer m.mu.Unlock()
	if p := m.current; p != nil {
		for name := range p.playlists {
			m.renderOne(p, name)
		}
	}
	m.announce()
}

// finish ends the run that receives frames, after its incomplete segment. A run that is not served yet is served from now on if its
// only segment has the minimum length, or if the stream has ended.
func (m *Muxer) finish(ended bool) {
	var written bool
	if m.receiving != nil {
		var err error
		if written, err = m.receiving.run.finish(); err != nil {
			m.cfg.OnError(err)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = m.ended || ended
	if written && (ended || m.current == m.receiving || m.receiving.run.long()) {
		m.publish()
	}
	m.receiving = nil
}

// reportUnsupported calls OnError for the first frame of a kind whose codec HLS cannot carry. Such frames are left out.
func (m *Muxer) reportUnsupported(info flv.Info) {
	reported := &m.noVideo
	if info.Kind == flv.Audio {
		reported = &m.noAudio
	}
	if *reported || info.Track != 0 || slices.Contains(carried, info.Codec) {
		return
	}
	*reported = true
	m.cfg.OnError(fmt.Errorf("%w: %s", ErrTrack, cmp.Or(info.Codec, "unknown")))
}

// start starts a run, which is served as soon as it has a segment.
func (m *Muxer) start(f Frame) error {
	if m.tracks.Empty() {
		return ErrCodec
	}
	run, err := newSegmenter(m.cfg, m.tracks, f)
	if err != nil {
		return err
	}
	p := &presentation{run: run, plain: m.cfg.NoLowLatency, tracks: make(map[string]playlist.Media), playlists: make(map[string]servedList)}
	m.receiving = p
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errors.New("hls: the muxer is closed")
	}
	m.next = p
	return nil
}
