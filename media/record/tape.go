package record

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"syscall"
	"time"

	"roomlog/media"
	"roomlog/media/flv"
)

// errParts and errFaults end a recording of a stream that is not fit to be recorded.
var (
	errParts  = errors.New("record: too many parts")
	errFaults = errors.New("record: no frame can be written")
)

// tape is a recording that is being written. One goroutine writes it.
type tape struct {
	*Recorder
	source Source
	rec    Recording
	why    chan Reason // from whoever knows why the show has ended

	contents contents
	index    *os.File
	size     int64 // of the index

	begun bool   // clock and at have a meaning
	clock uint32 // time of the newest frame, as the stream counts
	at    int64  // ms since the first frame of the recording

	part    *part
	pending []placed  // for the next fragment
	bytes   int       // in them
	zero    int64     // at, where the part begins
	wall    time.Time // when the newest frame came
	keyed   bool      // a key frame has come in this part
	faults  int
	synced  time.Time // when the disk was last asked to keep what was written
}

// run writes the show to its end.
func (t *tape) run() {
	err := t.openIndex()
	if err == nil {
		err = t.read()
	}
	t.source.Close()
	t.rec.Skips = t.source.Skips()
	if err == nil {
		err = t.cut()
	}
	if closing := t.closePart(); err == nil {
		err = closing
	}
	t.finish(err)
}

// read takes frames until there are no more, or they cannot be written.
func (t *tape) read() (err error) {
	defer guard(&err)
	var batch []*media.Frame
	for {
		batch, err = t.source.Next(batch)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if errors.Is(err, media.ErrEnded) {
			t.end(Reason(media.ReasonKicked))
			return nil
		}
		if err != nil {
			return err
		}
		now := t.cfg.Now()
		newest := batch[len(batch)-1].Time()
		for _, f := range batch {
			t.wall = now
			if f.Info().Kind != flv.Script {
				t.wall = now.Add(-max(0, time.Duration(int32(newest-f.Time()))*time.Millisecond))
			}
			if err := t.take(f); err != nil {
				return err
			}
		}
	}
}

// take takes one frame.
func (t *tape) take(f *media.Frame) error {
	info := f.Info()
	switch {
	case info.Header:
		changed, err := t.contents.learn(f)
		if err != nil {
			t.fault(err)
		}
		if changed && (t.part != nil || t.holds(info.Kind)) {
			return t.cut()
		}
		return nil
	case !info.Coded || info.Track != 0:
		return nil
	}
	if err := t.place(f); err != nil {
		return err
	}
	payload := body(f)
	if t.part != nil && !t.part.container.takes(info, payload) {
		if err := t.cut(); err != nil {
			return err
		}
	}
	if info.Kind == flv.Audio {
		t.contents.hear(info, payload)
	}
	next := placed{f, t.at - t.zero, t.wall}
	if err := t.flushBefore(next); err != nil {
		return err
	}
	t.keyed = t.keyed || info.Key
	if next.video() && !t.keyed {
		return nil // nothing shows it
	}
	if t.part == nil && len(t.pending) == 0 {
		t.zero, next.at = t.at, 0
	}
	t.pending = append(t.pending, next)
	t.bytes += len(f.Tag())
	return nil
}

// place finds out when a frame is. When time jumps, a new part begins.
func (t *tape) place(f *media.Frame) error {
	if !t.begun {
		t.begun, t.clock = true, f.Time()
	}
	step := int64(int32(f.Time() - t.clock))
	t.clock = f.Time()
	if step < -maxJumpBack || step > maxJumpForward {
		if err := t.cut(); err != nil {
			return err
		}
		step = 1
	}
	t.at += step
	return nil
}

// cut ends the part: what comes goes into the next one.
func (t *tape) cut() (err error) {
	defer guard(&err)
	if len(t.pending) > 0 {
		if err := t.flush(t.over()); err != nil {
			return err
		}
	}
	if t.part != nil {
		t.keyed = false
	}
	return t.closePart()
}

// holds says whether something of a kind waits to be written.
func (t *tape) holds(kind byte) bool {
	return slices.ContainsFunc(t.pending, func(p placed) bool { return p.Info().Kind == kind })
}

// over is when what is pending is over, if nothing follows: its last picture, or else its last sound, lasts
// for as long as the one before it.
func (t *tape) over() int64 {
	pictures := t.holds(flv.Video)
	last, before := int64(-1), int64(-1)
	for _, p := range t.pending {
		if p.video() == pictures {
			last, before = p.at, last
		}
	}
	step := last - before
	if before < 0 || step <= 0 || step > maxStep {
		step = usualStep
	}
	return max(last+step, t.pending[len(t.pending)-1].at)
}

// flushBefore writes what is pending when next does not belong to it any more.
func (t *tape) flushBefore(next placed) error {
	if len(t.pending) == 0 {
		return nil
	}
	span := time.Duration(next.at-t.pending[0].at) * time.Millisecond
	leads := next.video() || t.contents.tracks.Video == nil // fragments begin with a picture
	switch {
	case next.Info().Key && span >= t.cfg.FragmentLength, leads && span >= 2*t.cfg.FragmentLength, span >= 4*t.cfg.FragmentLength,
		t.bytes >= maxFragment, len(t.pending) >= maxFrames:
		return t.flush(next.at)
	}
	return nil
}

// flush writes what is pending, which lasts until a time in the part.
func (t *tape) flush(until int64) error {
	began := t.pending[0].wall
	if t.part == nil {
		if err := t.openPart(t.contents.container(t.pending), began); err != nil {
			return err
		}
		if len(t.rec.Parts) == 1 {
			t.started()
		}
	}
	p, err := t.part.container.fragment(t.pending, until, t.fault)
	if err == nil {
		err = t.append(p, until, began)
	}
	clear(t.pending)
	t.pending, t.bytes = t.pending[:0], 0
	t.disk.set(t.rec, false, false)
	switch {
	case err != nil:
		return err
	case len(p.bytes) > 0:
		t.faults = 0
	case t.faults > maxFaults:
		return errFaults
	}
	return nil
}

// fault counts a frame that is left out.
func (t *tape) fault(err error) {
	t.faults++
	t.cfg.Log.Debug("a frame is not recorded", slog.String("recording", t.name()), slog.Any("err", err))
}

func (t *tape) name() string { return nameOf(t.rec.Folder, t.rec.ID) }

// note writes a line of the index.
func (t *tape) note(l line) error {
	n, err := l.write(t.index, t.size)
	t.size += n
	t.disk.count(t.rec.Folder, t.rec.ID, n)
	return err
}

// claim makes sure that there is space, if need be by deleting what is older.
func (t *tape) claim(n int) error { return t.room(t.rec, int64(n)) }

// end says why the show has ended, if nobody has said so yet.
func (t *tape) end(why Reason) {
	select {
	case t.why <- why:
	default:
	}
}

// finish closes the recording and tells of it.
func (t *tape) finish(err error) {
	t.rec.EndedAt = t.cfg.Now()
	t.rec.Reason = t.reason(err)
	t.rec.total()
	if len(t.rec.Parts) == 0 && err == nil { // a show without a frame
		_ = t.index.Close()
		if err := t.disk.remove(t.rec); err != nil {
			t.cfg.Log.Warn("an empty recording stays", slog.String("recording", t.name()), slog.Any("err", err))
		}
		return
	}
	level := slog.LevelInfo
	if err != nil {
		level = slog.LevelError
		t.failures.Add(1)
	}
	t.cfg.Log.Log(context.Background(), level, "recording finished", slog.String("recording", t.name()), slog.String("why", string(t.rec.Reason)),
		slog.Duration("length", t.rec.Length), slog.Int("parts", len(t.rec.Parts)), slog.Uint64("skips", t.rec.Skips), slog.Any("err", err))
	if ending := t.closeIndex(); ending != nil { // the next process finds it open, and closes it
		t.cfg.Log.Error("the index of a recording cannot be closed", slog.String("recording", t.name()), slog.Any("err", ending))
	}
	t.disk.set(t.rec, true, false)
	t.tellFinished(t.rec)
}

func (t *tape) closeIndex() error {
	if t.index == nil {
		return nil
	}
	err := t.note(line{Kind: lineEnd, Wall: t.rec.EndedAt, Reason: t.rec.Reason, Skips: t.rec.Skips})
	if err == nil {
		err = t.index.Sync()
	}
	if closing := t.index.Close(); err == nil {
		err = closing
	}
	return err
}

// reason is why the recording has ended.
func (t *tape) reason(err error) Reason {
	switch {
	case errors.Is(err, errQuota):
		return ReasonQuota
	case errors.Is(err, errDisk), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return ReasonDiskFull
	case errors.Is(err, errParts):
		return ReasonParts
	case err != nil:
		return ReasonFailed
	}
	timer := time.NewTimer(reasonTime)
	defer timer.Stop()
	select {
	case why := <-t.why:
		return why
	case <-timer.C:
		return ReasonUnknown
	}
}

func (t *tape) started() {
	ctx, cancel := context.WithTimeout(context.Background(), tellTime)
	defer cancel()
	if err := t.cfg.Observer.RecordingStarted(ctx, t.rec); err != nil {
		t.cfg.Log.Warn("nobody was told of a recording", slog.String("recording", t.name()), slog.Any("err", err))
	}
}

// openIndex makes the folder of a recording, with the first line of its index.
func (t *tape) openIndex() error {
	if err := t.disk.root.MkdirAll(t.name(), 0o750); err != nil {
		return fmt.Errorf("record: make a folder: %w", err)
	}
	var err error
	if t.index, err = t.disk.root.OpenFile(nameOf(t.name(), IndexFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640); err != nil {
		return fmt.Errorf("record: make an index: %w", err)
	}
	if err := t.note(line{Kind: lineRecording, Wall: t.rec.StartedAt, ID: t.rec.ID, Folder: t.rec.Folder}); err != nil {
		_ = t.index.Close()
		return fmt.Errorf("record: write an index: %w", err)
	}
	for _, dir := range []string{t.name(), t.rec.Folder, "."} {
		if err := t.disk.syncDir(dir); err != nil {
			_ = t.index.Close()
			return err
		}
	}
	return nil
}
