package record

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"roomlog/media/rtmp"
)

// recover adds the recordings in the directory to the store, and closes the recordings that an earlier process left
// open.
func (s *store) recover() error {
	folders, err := fs.ReadDir(s.root.FS(), ".")
	if err != nil {
		return fmt.Errorf("record: read the directory: %w", err)
	}
	for _, folder := range folders {
		if !folder.IsDir() || !rtmp.ValidName(folder.Name()) {
			continue
		}
		ids, err := fs.ReadDir(s.root.FS(), folder.Name())
		if err != nil {
			return fmt.Errorf("record: read a directory: %w", err)
		}
		for _, id := range ids {
			if err := s.recoverOne(folder.Name(), id.Name()); err != nil {
				s.cfg.Log.Warn("directory is not a recording, ignored", slog.String("path", nameOf(folder.Name(), id.Name())), slog.Any("error", err))
			}
		}
	}
	return nil
}

func (s *store) recoverOne(folder, id string) error {
	name := nameOf(folder, id)
	index, err := s.root.OpenFile(nameOf(name, IndexFile), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer index.Close()
	f, err := readIndex(index, func(file string) int64 {
		if info, err := s.root.Stat(nameOf(name, file)); err == nil {
			return info.Size()
		}
		return 0
	})
	if err != nil {
		return err
	}
	if f.Folder != folder || f.ID != id {
		return errors.New("the index names another recording")
	}
	if !f.ended {
		if err := s.finish(&f, index); err != nil {
			return err
		}
		s.cfg.Log.Info("interrupted recording closed", slog.String("recording_id", id), slog.Duration("duration", f.Length), slog.Int("parts", len(f.Parts)))
	}
	f.Bytes = f.size
	for i := range f.parts {
		f.Parts[i].Bytes = f.parts[i].end
		f.Parts[i].Length = time.Duration(f.parts[i].length) * time.Millisecond
		f.Bytes += f.parts[i].end
	}
	f.updateLength()
	s.addClosed(f.Recording, f.notified)
	return nil
}

// finish closes a recording that was interrupted. It truncates the files to the sizes in the index.
func (s *store) finish(f *indexed, index *os.File) error {
	f.EndedAt, f.Reason = f.newest, ReasonInterrupted
	for i, p := range f.parts {
		file, err := s.root.OpenFile(nameOf(nameOf(f.Folder, f.ID), f.Parts[i].File), os.O_RDWR, 0)
		if err != nil {
			return err
		}
		if err := file.Truncate(p.end); err != nil {
			_ = file.Close()
			return err
		}
		if err := closePart(file, p.points.table(p.timeScale, p.header, p.end, p.length), p.header); err != nil {
			return err
		}
	}
	if err := index.Truncate(f.size); err != nil {
		return err
	}
	if err := s.removeDropped(f); err != nil {
		return err
	}
	n, err := line{Kind: lineEnd, Wall: f.EndedAt, Reason: f.Reason}.write(index, f.size)
	if err != nil {
		return err
	}
	f.size += n
	return index.Sync()
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
