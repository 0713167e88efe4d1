package record

import (
	"os"
	"strconv"
	"time"
)

// part is the file that is being written.
type part struct {
	container container
	file      *os.File
	head, end int64 // bytes
	length    int64 // ms
	marks     marks
}

// openPart begins the next file, with its head in it.
func (t *tape) openPart(c container, began time.Time) error {
	if len(t.rec.Parts) >= maxParts {
		return errParts
	}
	head, err := c.head()
	if err != nil {
		return err
	}
	name := strconv.Itoa(len(t.rec.Parts)+1) + c.suffix()
	told := Part{File: name, StartedAt: began}
	l := line{Kind: linePart, Wall: began, File: name, Head: int64(len(head)), Rate: c.rate()}
	for _, f := range t.pending {
		told.describe(f, &t.contents)
	}
	l.Video, l.Audio, l.Width, l.Height = told.Video, told.Audio, told.Size.Width, told.Size.Height
	if err := t.claim(len(head)); err != nil {
		return err
	}
	file, err := t.disk.root.OpenFile(nameOf(t.name(), name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	n, err := writeWhole(file, head, 0)
	if err == nil {
		err = t.disk.syncDir(t.name())
	}
	if err == nil {
		err = t.note(l)
	}
	if err != nil {
		_ = file.Close()
		_ = t.disk.root.Remove(nameOf(t.name(), name))
		return err
	}
	t.part, t.synced = &part{container: c, file: file, head: n, end: n}, time.Time{}
	told.Bytes = n
	t.rec.Parts = append(t.rec.Parts, told)
	return nil
}

// describe says what a part holds that holds f.
func (p *Part) describe(f placed, c *contents) {
	info := f.Info()
	if f.video() {
		p.Video = info.Codec
		if v := c.tracks.Video; v != nil {
			p.Size = v.Size
		}
		return
	}
	p.Audio = info.Codec
}

// append writes a fragment that lasts until a time in the part, and a line about it.
func (t *tape) append(p piece, until int64, began time.Time) error {
	if len(p.bytes) == 0 {
		return nil
	}
	if err := t.claim(len(p.bytes)); err != nil {
		return err
	}
	n, err := writeWhole(t.part.file, p.bytes, t.part.end)
	if err != nil {
		return err
	}
	l := line{Kind: lineFragment, Wall: began, Offset: t.part.end, Size: n, At: p.at, Length: max(0, until-p.at), Key: p.key}
	if err := t.note(l); err != nil {
		_ = t.part.file.Truncate(t.part.end)
		return err
	}
	if p.key {
		t.part.marks.add(mark{at: p.at, offset: t.part.end})
	}
	t.part.end += n
	t.part.length = max(t.part.length, until)
	told := &t.rec.Parts[len(t.rec.Parts)-1]
	told.Bytes, told.Length = t.part.end, time.Duration(t.part.length)*time.Millisecond
	return t.sync()
}

// sync has the disk keep what was written, now and then: the part first, then the index, which tells of it.
func (t *tape) sync() error {
	now := t.cfg.Now()
	if now.Sub(t.synced) < syncEach {
		return nil
	}
	t.synced = now
	t.syncs.Add(1)
	if err := t.part.file.Sync(); err != nil {
		return err
	}
	return t.index.Sync()
}

// closePart finishes the file that is being written, if there is one.
func (t *tape) closePart() error {
	if t.part == nil {
		return nil
	}
	p := t.part
	t.part = nil
	return seal(p.file, p.marks.table(p.container.rate(), p.head, p.end, p.length), p.head)
}

// seal writes the table of a file into the place that was kept free for it, and closes it for good.
func seal(file *os.File, table []byte, head int64) (err error) {
	defer func() {
		if closing := file.Close(); err == nil {
			err = closing
		}
	}()
	if len(table) > 0 {
		if _, err := file.WriteAt(table, head-int64(len(table))); err != nil {
			return err
		}
	}
	return file.Sync()
}
