package record

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
)

// Why nothing more is written.
var (
	errQuota = errors.New("record: recordings may take no more space")
	errDisk  = errors.New("record: the disk is full")
)

// disk knows what recordings there are, and what they take.
type disk struct {
	cfg  Config
	root *os.Root
	lock *os.File

	mu    sync.Mutex
	books map[string]*book // by name
	bytes int64
}

// book is a recording on the disk.
type book struct {
	Recording
	closed  bool
	told    bool
	leaving bool // it is being deleted
}

func nameOf(folder, id string) string { return folder + "/" + id }

// openDisk makes the folder, if need be, and takes it for this process.
func openDisk(cfg Config) (*disk, error) {
	if err := os.MkdirAll(cfg.Recordings, 0o750); err != nil {
		return nil, fmt.Errorf("record: make the folder: %w", err)
	}
	root, err := os.OpenRoot(cfg.Recordings)
	if err != nil {
		return nil, fmt.Errorf("record: open the folder: %w", err)
	}
	lock, err := root.OpenFile(".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		if err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			_ = lock.Close()
			err = fmt.Errorf("%w: %s", ErrInUse, cfg.Recordings)
		}
	}
	if err != nil {
		_ = root.Close()
		return nil, err
	}
	return &disk{cfg: cfg, root: root, lock: lock, books: make(map[string]*book)}, nil
}

// syncDir has the disk keep the names of a folder. There are file systems that cannot.
func (d *disk) syncDir(name string) error {
	dir, err := d.root.Open(name)
	if err != nil {
		return fmt.Errorf("record: open a folder: %w", err)
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) {
		return fmt.Errorf("record: sync a folder: %w", err)
	}
	return nil
}

func (d *disk) close() {
	_ = d.lock.Close()
	_ = d.root.Close()
}

// add makes room in the books for a recording.
func (d *disk) add(r Recording) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.books[nameOf(r.Folder, r.ID)] != nil {
		return ErrExists
	}
	d.books[nameOf(r.Folder, r.ID)] = &book{Recording: r}
	d.bytes += r.Bytes
	return nil
}

// set writes into the books what is known of a recording. Its bytes are counted as they are claimed.
func (d *disk) set(r Recording, closed, told bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if b := d.books[nameOf(r.Folder, r.ID)]; b != nil {
		r.Bytes = b.Bytes
		r.Parts = slices.Clone(r.Parts)
		b.Recording, b.closed, b.told = r, closed, told
	}
}

// drop forgets a recording.
func (d *disk) drop(folder, id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if b := d.books[nameOf(folder, id)]; b != nil {
		d.bytes -= b.Bytes
		delete(d.books, nameOf(folder, id))
	}
}

// claim counts bytes that are about to be written, unless there is no space for them. victim is a recording
// whose end would make some, if none is ending already; without one the error says what is full.
func (d *disk) claim(folder, id string, n int64) (victim *Recording, err error) {
	var fs syscall.Statfs_t
	if d.cfg.RecordReserve > 0 && syscall.Statfs(d.cfg.Recordings, &fs) == nil && int64(fs.Bavail)*fs.Bsize-n < d.cfg.RecordReserve {
		return nil, errDisk
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var inFolder int64
	var fits func(*book) bool
	for _, b := range d.books {
		if b.Folder == folder {
			inFolder += b.Bytes
		}
	}
	switch {
	case d.cfg.RecordLiveQuota > 0 && inFolder+n > d.cfg.RecordLiveQuota:
		fits = func(b *book) bool { return b.Folder == folder }
	case d.cfg.RecordQuota > 0 && d.bytes+n > d.cfg.RecordQuota:
		fits = func(*book) bool { return true }
	default:
		d.counted(folder, id, n)
		return nil, nil
	}
	if victim = d.oldest(fits); victim != nil {
		return victim, nil
	}
	for _, b := range d.books {
		if b.leaving && fits(b) {
			d.counted(folder, id, n)
			return nil, nil
		}
	}
	return nil, errQuota
}

// count counts bytes that were written without asking.
func (d *disk) count(folder, id string, n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counted(folder, id, n)
}

func (d *disk) counted(folder, id string, n int64) {
	if b := d.books[nameOf(folder, id)]; b != nil {
		b.Bytes += n
		d.bytes += n
	}
}

// oldest is the closed recording that ended first among those that fit; the lock is held.
func (d *disk) oldest(fits func(*book) bool) *Recording {
	var first *book
	for _, b := range d.books {
		if b.closed && !b.leaving && fits(b) && (first == nil || b.EndedAt.Before(first.EndedAt)) {
			first = b
		}
	}
	if first == nil {
		return nil
	}
	r := first.Recording
	return &r
}

// leave marks a recording that is about to be deleted, or says that it cannot be.
func (d *disk) leave(folder, id string) (Recording, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := d.books[nameOf(folder, id)]
	switch {
	case b == nil || b.leaving:
		return Recording{}, ErrNotFound
	case !b.closed:
		return Recording{}, ErrStillRecording
	}
	b.leaving = true
	return b.Recording, nil
}

func (d *disk) stay(r Recording) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if b := d.books[nameOf(r.Folder, r.ID)]; b != nil {
		b.leaving = false
	}
}

// remove deletes the files of a recording that is leaving.
func (d *disk) remove(r Recording) error {
	if err := d.root.RemoveAll(nameOf(r.Folder, r.ID)); err != nil {
		d.stay(r)
		return fmt.Errorf("record: delete: %w", err)
	}
	d.drop(r.Folder, r.ID)
	return nil
}

// get finds a recording.
func (d *disk) get(folder, id string) (Recording, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := d.books[nameOf(folder, id)]
	if b == nil || b.leaving {
		return Recording{}, false
	}
	return b.Recording, true
}

// list is all recordings that fit, the one that began first at the front.
func (d *disk) list(fits func(*book) bool) []Recording {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []Recording
	for _, b := range d.books {
		if fits(b) {
			all = append(all, b.Recording)
		}
	}
	slices.SortFunc(all, func(a, b Recording) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.ID, b.ID))
	})
	return all
}
