package record

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"time"

	"roomlog/internal/disk"
	"roomlog/media"
	"roomlog/media/flv"
)

// errFaults is returned when more than maxFaults frames in a row cannot be written.
var errFaults = errors.New("record: too many frames in a row cannot be written")

// writer records one broadcast. One goroutine runs it.
type writer struct {
	partWriter
	source Source
	reason chan Reason // why the broadcast has ended, from Stop

	contents contents

	begun bool   // whether clock and at are set
	clock uint32 // timestamp of the newest frame
	at    int64  // time of the newest frame in ms since the first frame of the recording

	pending      []timedFrame // frames for the next fragment
	pendingBytes int
	partStart    int64     // value of at at the beginning of the part
	arrivedAt    time.Time // time at which the newest frame arrived
	hasKey       bool      // whether the part has a key frame
	faults       int
}

// run records the broadcast to its end.
func (w *writer) run() {
	err := w.openIndex()
	if err == nil {
		err = w.read()
	}
	w.source.Close()
	w.rec.Skips = w.source.Skips()
	if err == nil {
		err = w.endPart()
	}
	if closeErr := w.finishPart(); err == nil {
		err = closeErr
	}
	w.finish(err)
}

// read adds frames until the source ends or a write fails.
func (w *writer) read() (err error) {
	defer guard(&err)
	var batch []*media.Frame
	for {
		batch, err = w.source.Next(batch)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if errors.Is(err, media.ErrEnded) {
			w.setReason(Reason(media.ReasonKicked))
			return nil
		}
		if err != nil {
			return err
		}
		now := w.cfg.Now()
		newest := batch[len(batch)-1].Time()
		for _, f := range batch {
			w.arrivedAt = now
			if f.Info().Kind != flv.Script {
				w.arrivedAt = now.Add(-max(0, time.Duration(int32(newest-f.Time()))*time.Millisecond))
			}
			if err := w.add(f); err != nil {
				return err
			}
		}
	}
}

func (w *writer) add(f *media.Frame) error {
	info := f.Info()
	switch {
	case info.Header:
		changed, err := w.contents.addHeader(f)
		if err != nil {
			w.countFault(err)
		}
		if changed && (w.part != nil || w.hasPending(info.Kind)) {
			return w.endPart()
		}
		return nil
	case !info.Coded || info.Track != 0:
		return nil
	}
	w.advance(f)
	body := bodyOf(f)
	if w.part != nil && !w.part.container.accepts(info, body) {
		if err := w.endPart(); err != nil {
			return err
		}
	}
	if info.Kind == flv.Audio {
		w.contents.addAudio(info, body)
	}
	next := timedFrame{f, w.at - w.partStart, w.arrivedAt}
	if err := w.endFullPart(next); err != nil {
		return err
	}
	if err := w.flushBefore(next); err != nil {
		return err
	}
	w.hasKey = w.hasKey || info.Key
	if next.isVideo() && !w.hasKey {
		return nil // The data cannot be decoded.
	}
	if w.part == nil && len(w.pending) == 0 {
		w.partStart, next.at = w.at, 0
	}
	w.pending = append(w.pending, next)
	w.pendingBytes += len(f.Tag())
	return nil
}

// advance moves the time of the recording to the time of a frame. Timestamps of a broadcast are continuous, and gaps
// have their true length (see package timeline).
func (w *writer) advance(f *media.Frame) {
	if !w.begun {
		w.begun, w.clock = true, f.Time()
	}
	w.at += int64(int32(f.Time() - w.clock))
	w.clock = f.Time()
}

// endPart writes the pending frames and closes the part. The next frames go into a new part.
func (w *writer) endPart() (err error) {
	defer guard(&err)
	if len(w.pending) > 0 {
		if err := w.flush(w.pendingEnd()); err != nil {
			return err
		}
	}
	if w.part != nil {
		w.hasKey = false
	}
	return w.finishPart()
}

// endFullPart closes the part before next if the part is full and next can begin another one.
func (w *writer) endFullPart(next timedFrame) error {
	if !w.partIsFull() || !next.Info().Key && w.contents.tracks.Video != nil {
		return nil
	}
	if len(w.pending) > 0 {
		if err := w.flush(next.at); err != nil {
			return err
		}
	}
	return w.endPart()
}

// hasPending reports whether a frame of a kind is pending.
func (w *writer) hasPending(kind byte) bool {
	return slices.ContainsFunc(w.pending, func(f timedFrame) bool { return f.Info().Kind == kind })
}

// pendingEnd returns the time in ms at which the pending frames end if no frame follows: the last picture, or without
// video the last audio frame, lasts as long as the frame before.
func (w *writer) pendingEnd() int64 {
	video := w.hasPending(flv.Video)
	last, before := int64(-1), int64(-1)
	for _, f := range w.pending {
		if f.isVideo() == video {
			last, before = f.at, last
		}
	}
	step := last - before
	if before < 0 || step <= 0 || step > maxStep {
		step = usualStep
	}
	return max(last+step, w.pending[len(w.pending)-1].at)
}

// flushBefore writes the pending frames if next begins another fragment.
func (w *writer) flushBefore(next timedFrame) error {
	if len(w.pending) == 0 {
		return nil
	}
	length := w.cfg.FragmentLength
	span := time.Duration(next.at-w.pending[0].at) * time.Millisecond
	leads := next.isVideo() || w.contents.tracks.Video == nil // fragments begin with a picture
	switch {
	case next.Info().Key && span >= length, leads && span >= 2*length, span >= 4*length,
		w.pendingBytes >= maxFragment, len(w.pending) >= maxFrames:
		return w.flush(next.at)
	}
	return nil
}

// flush writes the pending frames, which last until the time until in ms in the part.
func (w *writer) flush(until int64) error {
	startedAt := w.pending[0].arrivedAt
	if w.part == nil {
		p := Part{StartedAt: startedAt}
		w.contents.describe(&p, w.pending)
		if err := w.openPart(w.contents.container(w.pending), p); err != nil {
			return err
		}
		if len(w.rec.Parts) == 1 {
			w.notifyStarted(w.rec)
		}
	}
	f, err := w.part.container.fragment(w.pending, until, w.countFault)
	if err == nil {
		err = w.append(f, until, startedAt)
	}
	clear(w.pending)
	w.pending, w.pendingBytes = w.pending[:0], 0
	w.store.update(w.rec, false)
	switch {
	case err != nil:
		return err
	case len(f.bytes) > 0:
		w.faults = 0
	case w.faults > maxFaults:
		return errFaults
	}
	return nil
}

// countFault counts and logs a frame that is skipped.
func (w *writer) countFault(err error) {
	w.faults++
	w.cfg.Log.Debug("frame left out of a recording", slog.String("recording_id", w.rec.ID), slog.Any("error", err))
}

// setReason stores the reason for the end of the broadcast. Only the first call has an effect.
func (w *writer) setReason(reason Reason) {
	select {
	case w.reason <- reason:
	default:
	}
}

// finish closes the recording and notifies the observer. It deletes a recording without frames.
func (w *writer) finish(err error) {
	w.rec.EndedAt = w.cfg.Now()
	w.rec.Reason = w.endReason(err)
	w.rec.updateLength()
	if len(w.rec.Parts) == 0 && err == nil {
		_ = w.index.Close()
		if err := w.store.remove(w.rec); err != nil {
			w.cfg.Log.Warn("deleting an empty recording failed", slog.String("recording_id", w.rec.ID), slog.Any("error", err))
		}
		return
	}
	level := slog.LevelInfo
	if err != nil {
		level = slog.LevelError
		w.failures.Add(1)
	}
	w.cfg.Log.Log(context.Background(), level, "recording finished", slog.String("recording_id", w.rec.ID), slog.String("reason", string(w.rec.Reason)),
		slog.Duration("duration", w.rec.Length), slog.Int("parts", len(w.rec.Parts)), slog.Uint64("skips", w.rec.Skips), slog.Any("error", err))
	if closeErr := w.closeIndex(); closeErr != nil { // the next process closes the index
		w.cfg.Log.Error("closing the index of a recording failed", slog.String("recording_id", w.rec.ID), slog.Any("error", closeErr))
	}
	w.store.update(w.rec, true)
	w.notifyFinished(w.rec)
}

// endReason returns the reason for an error. Without an error it waits for the reason of the broadcast, at most for
// reasonTimeout.
func (w *writer) endReason(err error) Reason {
	switch {
	case errors.Is(err, errQuota):
		return ReasonQuota
	case errors.Is(err, errDiskFull), disk.IsFull(err):
		return ReasonDiskFull
	case errors.Is(err, errParts):
		return ReasonParts
	case err != nil:
		return ReasonFailed
	}
	timer := time.NewTimer(reasonTimeout)
	defer timer.Stop()
	select {
	case reason := <-w.reason:
		return reason
	case <-timer.C:
		return ReasonUnknown
	}
}
