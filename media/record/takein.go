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

// takeIn learns what recordings there are, and closes those that are open.
func (d *disk) takeIn() error {
	folders, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return fmt.Errorf("record: read the folder: %w", err)
	}
	for _, folder := range folders {
		if !folder.IsDir() || !rtmp.ValidName(folder.Name()) {
			continue
		}
		ids, err := fs.ReadDir(d.root.FS(), folder.Name())
		if err != nil {
			return fmt.Errorf("record: read a folder: %w", err)
		}
		for _, id := range ids {
			if err := d.takeInOne(folder.Name(), id.Name()); err != nil {
				d.cfg.Log.Warn("not a recording", slog.String("folder", nameOf(folder.Name(), id.Name())), slog.Any("err", err))
			}
		}
	}
	return nil
}

func (d *disk) takeInOne(folder, id string) error {
	name := nameOf(folder, id)
	index, err := d.root.OpenFile(nameOf(name, IndexFile), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer index.Close()
	f, err := readIndex(index, func(file string) int64 {
		if info, err := d.root.Stat(nameOf(name, file)); err == nil {
			return info.Size()
		}
		return 0
	})
	if err != nil {
		return err
	}
	if f.Folder != folder || f.ID != id {
		return errors.New("it says that it is another")
	}
	if !f.ended {
		if err := d.finish(&f, index); err != nil {
			return err
		}
		d.cfg.Log.Info("recording taken in", slog.String("recording", name), slog.Duration("length", f.Length), slog.Int("parts", len(f.Parts)))
	}
	f.Bytes = f.size
	for i := range f.parts {
		f.Parts[i].Bytes = f.parts[i].end
		f.Parts[i].Length = time.Duration(f.parts[i].length) * time.Millisecond
		f.Bytes += f.parts[i].end
	}
	f.total()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.books[name] = &book{Recording: f.Recording, closed: true, told: f.told}
	d.bytes += f.Bytes
	return nil
}

// finish closes a recording whose process has died: what its index does not know of is cut off.
func (d *disk) finish(f *found, index *os.File) error {
	f.EndedAt, f.Reason = f.newest, ReasonInterrupted
	for i, p := range f.parts {
		file, err := d.root.OpenFile(nameOf(nameOf(f.Folder, f.ID), f.Parts[i].File), os.O_RDWR, 0)
		if err != nil {
			return err
		}
		if err := file.Truncate(p.end); err != nil {
			_ = file.Close()
			return err
		}
		if err := seal(file, p.marks.table(p.rate, p.head, p.end, p.length), p.head); err != nil {
			return err
		}
	}
	if err := index.Truncate(f.size); err != nil {
		return err
	}
	n, err := line{Kind: lineEnd, Wall: f.EndedAt, Reason: f.Reason}.write(index, f.size)
	if err != nil {
		return err
	}
	f.size += n
	return index.Sync()
}

// told remembers that the observer has heard of the end of a recording.
func (d *disk) told(r Recording, now time.Time) {
	d.mu.Lock()
	if b := d.books[nameOf(r.Folder, r.ID)]; b != nil {
		b.told = true
	}
	d.mu.Unlock()
	index, err := d.root.OpenFile(nameOf(nameOf(r.Folder, r.ID), IndexFile), os.O_RDWR, 0)
	if err != nil {
		return // it is told again, which does no harm
	}
	defer index.Close()
	if info, err := index.Stat(); err == nil {
		n, _ := line{Kind: lineTold, Wall: now}.write(index, info.Size())
		d.count(r.Folder, r.ID, n)
	}
}
