package hls

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

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
		if changed && m.started {
			m.run = nil // the next frame starts another run
		}
		return nil
	case !info.Coded:
		return nil
	}
	m.reportUnsupported(info)
	if m.run != nil && m.run.jumps(f) {
		m.run = nil
	}
	if m.run == nil || !m.started {
		if err := m.start(f); err != nil {
			return m.fail(err)
		}
	}
	if err := m.run.write(f, m.cfg.OnError); err != nil {
		return m.fail(err)
	}
	if m.cfg.NoLowLatency && (info.Key || m.tracks.Video == nil) {
		m.wake()
	}
	return nil
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
	m.run, m.started = run, true
	p := &presentation{run: run, wake: make(map[string]chan struct{}), tracks: make(map[string]*trackList), playlists: make(map[string]servedList)}
	for _, name := range run.playlistNames() {
		p.wake[name] = make(chan struct{}, 1)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		run.close()
		return errors.New("hls: the muxer is closed")
	}
	if m.next != nil {
		m.next.run.close()
	}
	m.next = p
	for _, name := range run.playlistNames() {
		m.followers.Go(func() { m.follow(p, name) })
	}
	return nil
}
