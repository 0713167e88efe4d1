package record

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

const newIndexFile = IndexFile + ".new" // an index that is being rewritten

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
	index, size, err := w.store.withoutPart(w.name(), oldest.File)
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

// withoutPart replaces the index of a recording by one without the lines of a part, and returns it with its size.
func (s *store) withoutPart(name, part string) (index *os.File, size int64, err error) {
	old, err := s.root.Open(nameOf(name, IndexFile))
	if err != nil {
		return nil, 0, err
	}
	defer old.Close()
	index, err = s.root.OpenFile(nameOf(name, newIndexFile), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, 0, err
	}
	size, err = copyWithoutPart(index, old, part)
	if err == nil {
		err = index.Sync()
	}
	if err == nil {
		err = s.root.Rename(nameOf(name, newIndexFile), nameOf(name, IndexFile))
	}
	if err == nil {
		err = s.syncDir(name)
	}
	if err != nil {
		_ = index.Close()
		_ = s.root.Remove(nameOf(name, newIndexFile))
		return nil, 0, err
	}
	return index, size, nil
}

// copyWithoutPart copies an index without the lines of a part and returns the number of bytes.
func copyWithoutPart(to, from *os.File, part string) (size int64, err error) {
	out := bufio.NewWriter(to)
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, maxLine)
	for drop := false; lines.Scan(); {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return 0, err
		}
		if drop = l.Kind == linePart && l.File == part || l.Kind == lineFragment && drop; drop {
			continue
		}
		_, _ = out.Write(lines.Bytes()) // Flush returns the error
		_ = out.WriteByte('\n')
		size += int64(len(lines.Bytes())) + 1
	}
	return size, errors.Join(lines.Err(), out.Flush())
}

// removeDropped deletes what a killed process has left of parts that it was deleting.
func (s *store) removeDropped(f *indexed) error {
	name := nameOf(f.Folder, f.ID)
	dir, err := s.root.Open(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	files, err := dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	known := map[string]bool{IndexFile: true}
	for _, p := range f.Parts {
		known[p.File] = true
	}
	for _, file := range files {
		if known[file] || file != newIndexFile && !validName(file) {
			continue
		}
		if err := s.root.Remove(nameOf(name, file)); err != nil {
			return err
		}
	}
	return nil
}
