package record

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// errParts is returned when a stream changes its format so often that the recording would have more than maxParts
// parts.
var errParts = errors.New("record: too many parts")

// partWriter writes the files of one recording: its index and its parts. Only one goroutine uses it.
type partWriter struct {
	*library
	rec Recording

	index     *os.File
	indexSize int64
	part      *part
	partNo    int // number of the newest part
	overflow  int // bytes written over the quota
	syncedAt  time.Time
}

// part is the media file that is being written.
type part struct {
	container   container
	file        *os.File
	header, end int64 // bytes before the first fragment, and up to the end of the newest one
	length      int64 // length in ms
	points      seekPoints
}

func (w *partWriter) name() string { return nameOf(w.rec.Folder, w.rec.ID) }

// claimBytes reserves n bytes. If necessary it deletes older recordings, and then the oldest parts of this one. If only
// the current part is left, the recording may exceed its quota by maxOverflow, until a key frame begins another part.
func (w *partWriter) claimBytes(n int) error {
	for {
		err := w.claim(w.rec, int64(n))
		switch {
		case !errors.Is(err, errQuota) || w.cfg.RecordOverflow != OverflowRing:
			return err
		case len(w.rec.Parts) > 1, len(w.rec.Parts) == 1 && w.part == nil:
			if err := w.dropPart(); err != nil {
				return err
			}
		case w.overflow+n > maxOverflow:
			return err
		default:
			w.overflow += n
			w.store.count(w.rec.Folder, w.rec.ID, int64(n))
			return nil
		}
	}
}

// partIsFull reports whether the next key frame must begin another part, so that old parts can be deleted.
func (w *partWriter) partIsFull() bool {
	if w.part == nil || w.cfg.RecordOverflow != OverflowRing {
		return false
	}
	for _, quota := range []int64{w.cfg.RecordLiveQuota, w.cfg.RecordQuota} {
		if quota > 0 && w.part.end >= quota/ringParts {
			return true
		}
	}
	return w.overflow > 0
}

// dropPart deletes the oldest part: first its lines in the index, then its file. If the process is killed in between,
// the next one deletes the file.
func (w *partWriter) dropPart() error {
	oldest := w.rec.Parts[0]
	index, size, err := w.store.withoutOldestPart(w.name(), oldest.File)
	if err != nil {
		return fmt.Errorf("record: delete the oldest part: %w", err)
	}
	_ = w.index.Close()
	w.store.count(w.rec.Folder, w.rec.ID, size-w.indexSize)
	w.index, w.indexSize = index, size
	if err := w.store.root.Remove(nameOf(w.name(), oldest.File)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("record: delete the oldest part: %w", err)
	}
	w.store.count(w.rec.Folder, w.rec.ID, -oldest.Bytes)
	w.rec.Parts = w.rec.Parts[1:]
	w.overflow = 0
	w.store.update(w.rec, false)
	return nil
}

// openIndex creates the directory of the recording and its index.
func (w *partWriter) openIndex() error {
	root := w.store.root
	if err := root.MkdirAll(w.name(), 0o750); err != nil {
		return fmt.Errorf("record: create a directory: %w", err)
	}
	var err error
	if w.index, err = root.OpenFile(nameOf(w.name(), IndexFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640); err != nil {
		return fmt.Errorf("record: create an index: %w", err)
	}
	if err := w.writeLine(line{Kind: lineRecording, Wall: w.rec.StartedAt, ID: w.rec.ID, Folder: w.rec.Folder, Stream: w.rec.Stream}); err != nil {
		_ = w.index.Close()
		return fmt.Errorf("record: write an index: %w", err)
	}
	for _, dir := range []string{w.name(), w.rec.Folder, "."} {
		if err := w.store.syncDir(dir); err != nil {
			_ = w.index.Close()
			return err
		}
	}
	return nil
}

// writeLine appends a line to the index.
func (w *partWriter) writeLine(l line) error {
	n, err := l.write(w.index, w.indexSize)
	w.indexSize += n
	w.store.count(w.rec.Folder, w.rec.ID, n)
	return err
}

// closeIndex writes the last line of the index and closes it.
func (w *partWriter) closeIndex() error {
	if w.index == nil {
		return nil
	}
	err := w.writeLine(line{Kind: lineEnd, Wall: w.rec.EndedAt, Reason: w.rec.Reason, Skips: w.rec.Skips})
	if err == nil {
		err = w.index.Sync()
	}
	if closeErr := w.index.Close(); err == nil {
		err = closeErr
	}
	return err
}

// openPart creates the next media file. p describes its content and the time of its first frame.
func (w *partWriter) openPart(c container, p Part) error {
	if len(w.rec.Parts) >= maxParts {
		return errParts
	}
	header, err := c.header()
	if err != nil {
		return err
	}
	w.partNo++
	p.File = strconv.Itoa(w.partNo) + c.suffix()
	l := line{Kind: linePart, Wall: p.StartedAt, File: p.File, Header: int64(len(header)), TimeScale: c.timeScale(),
		Video: p.Video, Audio: p.Audio, Width: p.Size.Width, Height: p.Size.Height}
	if err := w.claimBytes(len(header)); err != nil {
		return err
	}
	file, err := w.store.root.OpenFile(nameOf(w.name(), p.File), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	n, err := writeWhole(file, header, 0)
	if err == nil {
		err = w.store.syncDir(w.name())
	}
	if err == nil {
		err = w.writeLine(l)
	}
	if err != nil {
		_ = file.Close()
		_ = w.store.root.Remove(nameOf(w.name(), p.File))
		return err
	}
	w.part, w.syncedAt = &part{container: c, file: file, header: n, end: n}, time.Time{}
	p.Bytes = n
	w.rec.Parts = append(w.rec.Parts, p)
	return nil
}

// append writes a fragment and its line in the index. until is the end of the fragment, in milliseconds from the start of
// the part.
func (w *partWriter) append(f fragment, until int64, startedAt time.Time) error {
	if len(f.bytes) == 0 {
		return nil
	}
	if err := w.claimBytes(len(f.bytes)); err != nil {
		return err
	}
	n, err := writeWhole(w.part.file, f.bytes, w.part.end)
	if err != nil {
		return err
	}
	l := line{Kind: lineFragment, Wall: startedAt, Offset: w.part.end, Size: n, At: f.at, Length: max(0, until-f.at), Key: f.key}
	if err := w.writeLine(l); err != nil {
		_ = w.part.file.Truncate(w.part.end)
		return err
	}
	if f.key {
		w.part.points.add(seekPoint{at: f.at, offset: w.part.end})
	}
	w.part.end += n
	w.part.length = max(w.part.length, until)
	current := &w.rec.Parts[len(w.rec.Parts)-1]
	current.Bytes, current.Length = w.part.end, time.Duration(w.part.length)*time.Millisecond
	return w.sync()
}

// sync syncs the files if the last sync was at least syncInterval ago: the part first, then the index, which refers
// to it.
func (w *partWriter) sync() error {
	now := w.cfg.Now()
	if now.Sub(w.syncedAt) < syncInterval {
		return nil
	}
	w.syncedAt = now
	w.syncs.Add(1)
	if err := w.part.file.Sync(); err != nil {
		return err
	}
	return w.index.Sync()
}

// finishPart completes and closes the current part, if there is one.
func (w *partWriter) finishPart() error {
	if w.part == nil {
		return nil
	}
	p := w.part
	w.part = nil
	return closePart(p.file, p.points.table(p.container.timeScale(), p.header, p.end, p.length), p.header)
}
