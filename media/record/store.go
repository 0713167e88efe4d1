package record

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"

	"roomlog/internal/filelock"
)

var (
	errQuota    = errors.New("record: quota exceeded")
	errDiskFull = errors.New("record: the disk is full")
)

// store manages the directory of recordings and counts the space that they use.
type store struct {
	cfg  Config
	root *os.Root
	lock *filelock.Lock

	mu      sync.Mutex
	entries map[string]*entry // entries by name
	bytes   int64
}

// entry is a recording on the disk.
type entry struct {
	Recording
	closed   bool
	notified bool // whether the observer was notified of its end
	deleting bool
}

func nameOf(folder, id string) string { return folder + "/" + id }

// openStore creates the directory if necessary and locks it for this process.
func openStore(cfg Config) (*store, error) {
	if err := os.MkdirAll(cfg.Recordings, 0o750); err != nil {
		return nil, fmt.Errorf("record: create the directory: %w", err)
	}
	root, err := os.OpenRoot(cfg.Recordings)
	if err != nil {
		return nil, fmt.Errorf("record: open the directory: %w", err)
	}
	lock, err := lockDirectory(root)
	if err != nil {
		_ = root.Close()
		if errors.Is(err, filelock.ErrLocked) {
			err = ErrInUse
		}
		return nil, fmt.Errorf("%w: %s", err, cfg.Recordings)
	}
	return &store{cfg: cfg, root: root, lock: lock, entries: make(map[string]*entry)}, nil
}

// lockDirectory locks the directory of recordings for this process.
func lockDirectory(root *os.Root) (*filelock.Lock, error) {
	file, err := root.OpenFile(".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	return filelock.TryLock(file)
}

// syncDir syncs a directory. It returns nil if the file system does not support that.
func (s *store) syncDir(name string) error {
	dir, err := s.root.Open(name)
	if err != nil {
		return fmt.Errorf("record: open a directory: %w", err)
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) {
		return fmt.Errorf("record: sync a directory: %w", err)
	}
	return nil
}

func (s *store) close() {
	_ = s.lock.Unlock()
	_ = s.root.Close()
}

func (s *store) add(r Recording) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries[nameOf(r.Folder, r.ID)] != nil {
		return ErrExists
	}
	s.entries[nameOf(r.Folder, r.ID)] = &entry{Recording: r}
	s.bytes += r.Bytes
	return nil
}

// addClosed adds a recording that was found on the disk.
func (s *store) addClosed(r Recording, notified bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries[nameOf(r.Folder, r.ID)] = &entry{Recording: r, closed: true, notified: notified}
	s.bytes += r.Bytes
}

// update replaces the description of a recording, except its bytes, which claim and count maintain.
func (s *store) update(r Recording, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[nameOf(r.Folder, r.ID)]; e != nil {
		r.Bytes = e.Bytes
		r.Parts = slices.Clone(r.Parts)
		e.Recording, e.closed, e.notified = r, closed, false
	}
}

// setNotified stores that the observer was notified of the end of a recording.
func (s *store) setNotified(r Recording) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[nameOf(r.Folder, r.ID)]; e != nil {
		e.notified = true
	}
}

// forget removes a recording from the store.
func (s *store) forget(folder, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[nameOf(folder, id)]; e != nil {
		s.bytes -= e.Bytes
		delete(s.entries, nameOf(folder, id))
	}
}

// claim counts n bytes that are about to be written. If they exceed a quota, it counts nothing and returns the closed
// recording to delete first. While another deletion is running, it counts the bytes even if they exceed a quota. It
// returns errQuota or errDiskFull if no deletion can help.
func (s *store) claim(folder, id string, n int64) (victim *Recording, err error) {
	if s.cfg.Check(s.cfg.Recordings, n) != nil {
		return nil, errDiskFull
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var inFolder int64
	var helps func(*entry) bool
	for _, e := range s.entries {
		if e.Folder == folder {
			inFolder += e.Bytes
		}
	}
	switch {
	case s.cfg.RecordLiveQuota > 0 && inFolder+n > s.cfg.RecordLiveQuota:
		helps = func(e *entry) bool { return e.Folder == folder }
	case s.cfg.RecordQuota > 0 && s.bytes+n > s.cfg.RecordQuota:
		helps = func(*entry) bool { return true }
	default:
		s.addBytes(folder, id, n)
		return nil, nil
	}
	if s.cfg.RecordOverflow == OverflowEnd {
		return nil, errQuota
	}
	if victim = s.oldest(helps); victim != nil {
		return victim, nil
	}
	for _, e := range s.entries {
		if e.deleting && helps(e) {
			s.addBytes(folder, id, n)
			return nil, nil
		}
	}
	return nil, errQuota
}

// count counts bytes that were written without a claim.
func (s *store) count(folder, id string, n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addBytes(folder, id, n)
}

func (s *store) addBytes(folder, id string, n int64) {
	if e := s.entries[nameOf(folder, id)]; e != nil {
		e.Bytes += n
		s.bytes += n
	}
}

// oldest returns the closed recording that ended first among those that match, or nil. The caller holds the lock.
func (s *store) oldest(match func(*entry) bool) *Recording {
	var first *entry
	for _, e := range s.entries {
		if e.closed && !e.deleting && match(e) && (first == nil || e.EndedAt.Before(first.EndedAt)) {
			first = e
		}
	}
	if first == nil {
		return nil
	}
	r := first.Recording
	return &r
}

// beginDelete marks a closed recording as being deleted. It returns ErrNotFound or ErrStillRecording.
func (s *store) beginDelete(folder, id string) (Recording, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[nameOf(folder, id)]
	switch {
	case e == nil || e.deleting:
		return Recording{}, ErrNotFound
	case !e.closed:
		return Recording{}, ErrStillRecording
	}
	e.deleting = true
	return e.Recording, nil
}

// cancelDelete removes the mark of beginDelete.
func (s *store) cancelDelete(r Recording) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[nameOf(r.Folder, r.ID)]; e != nil {
		e.deleting = false
	}
}

// remove deletes the files of a recording that beginDelete has marked, and removes it from the store.
func (s *store) remove(r Recording) error {
	if err := s.root.RemoveAll(nameOf(r.Folder, r.ID)); err != nil {
		s.cancelDelete(r)
		return fmt.Errorf("record: delete: %w", err)
	}
	s.forget(r.Folder, r.ID)
	return nil
}

// get returns a recording and reports whether it was found.
func (s *store) get(folder, id string) (Recording, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[nameOf(folder, id)]
	if e == nil || e.deleting {
		return Recording{}, false
	}
	return e.Recording, true
}

// list returns the recordings that match, the oldest first.
func (s *store) list(match func(*entry) bool) []Recording {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Recording
	for _, e := range s.entries {
		if match(e) {
			all = append(all, e.Recording)
		}
	}
	slices.SortFunc(all, func(a, b Recording) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// usage returns the number of recordings and the space that they use.
func (s *store) usage() (recordings int, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.entries), s.bytes
}

// withoutOldestPart replaces the index of a recording by one without the lines of its oldest part, and returns it with
// its size.
func (s *store) withoutOldestPart(name, part string) (index *os.File, size int64, err error) {
	old, err := s.root.Open(nameOf(name, IndexFile))
	if err != nil {
		return nil, 0, err
	}
	defer old.Close()
	index, err = s.root.OpenFile(nameOf(name, newIndexFile), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, 0, err
	}
	size, err = copyWithoutOldestPart(index, old, part, s.cfg.Now())
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
