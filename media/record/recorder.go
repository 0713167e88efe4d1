package record

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"roomlog/internal/wait"
	"roomlog/media/rtmp"
)

// Recorder records broadcasts and manages their recordings, while Run runs. It is safe for concurrent use.
type Recorder struct {
	library   *library
	playlists playlistCache

	mu      sync.Mutex
	writers map[string]*writer // running writers by the name of the recording, FOLDER/ID
	idle    *sync.Cond         // signals that no writer is left
	closed  bool
}

// New locks the directory for this process and closes the recordings that an earlier process left open. Close unlocks
// the directory.
func New(cfg Config) (*Recorder, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	store, err := openStore(cfg)
	if err != nil {
		return nil, err
	}
	r := &Recorder{library: &library{cfg: cfg, store: store}, writers: make(map[string]*writer)}
	r.idle = sync.NewCond(&r.mu)
	if err := store.recover(); err != nil {
		store.close()
		return nil, err
	}
	return r, nil
}

// Run repeats failed notifications and deletes expired recordings until ctx ends. Then it accepts no new recordings,
// waits for running recordings to end with their broadcasts, ends the remaining recordings after 10 s, and returns
// nil.
func (r *Recorder) Run(ctx context.Context) error {
	r.sweep(ctx)
	for wait.Sleep(ctx, r.library.cfg.RecordSweep) {
		r.sweep(ctx)
	}
	r.finish()
	return nil
}

// finish refuses new recordings and blocks until all writers have ended. After shutdownTimeout it closes their
// sources.
func (r *Recorder) finish() {
	force := time.AfterFunc(shutdownTimeout, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, w := range r.writers {
			w.source.Close()
		}
	})
	defer force.Stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for len(r.writers) > 0 {
		r.idle.Wait()
	}
}

// Close unlocks the directory. Run must have returned.
func (r *Recorder) Close() error {
	r.library.store.close()
	return nil
}

// Start starts a recording from source, and closes source when the recording ends or after an error. folder and id
// must be valid names (see rtmp.ValidName), and id must never have been used in folder. stream is the key of the stream.
func (r *Recorder) Start(folder, id, stream string, source Source) error {
	err := r.start(folder, id, stream, source)
	if err != nil {
		source.Close()
	}
	return err
}

func (r *Recorder) start(folder, id, stream string, source Source) error {
	if !rtmp.ValidName(folder) || !rtmp.ValidName(id) {
		return fmt.Errorf("%w: %q", ErrName, nameOf(folder, id))
	}
	w := &writer{source: source, reason: make(chan Reason, 1),
		partWriter: partWriter{library: r.library, rec: Recording{Folder: folder, ID: id, Stream: stream, StartedAt: r.library.cfg.Now()}}}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	if err := r.library.store.add(w.rec); err != nil {
		return err
	}
	r.writers[w.name()] = w
	go func() {
		defer r.remove(w)
		w.run()
	}()
	return nil
}

// remove removes a writer that has ended.
func (r *Recorder) remove(w *writer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.writers, w.name())
	if len(r.writers) == 0 {
		r.idle.Broadcast()
	}
}

// Stop sets the reason why the broadcast of a recording has ended. The recording itself ends with its source.
func (r *Recorder) Stop(folder, id string, reason Reason) {
	r.mu.Lock()
	w := r.writers[nameOf(folder, id)]
	r.mu.Unlock()
	if w != nil {
		w.setReason(reason)
	}
}

// List returns all recordings, the oldest first.
func (r *Recorder) List() []Recording {
	return r.library.store.list(func(*entry) bool { return true })
}

// Get returns a recording and reports whether it was found.
func (r *Recorder) Get(folder, id string) (Recording, bool) { return r.library.store.get(folder, id) }

// Has reports whether this node has a recording.
func (r *Recorder) Has(folder, id string) bool {
	_, found := r.library.store.get(folder, id)
	return found
}

// Open opens a file of a recording for reading. It returns ErrNotFound if there is no such file. The returned
// Recording contains the sizes of the parts. The header of a running part is not final, because the seek table is
// written at its end.
func (r *Recorder) Open(folder, id, file string) (*os.File, Recording, error) {
	rec, found := r.library.store.get(folder, id)
	if !found {
		return nil, rec, ErrNotFound
	}
	known := file == IndexFile
	for _, p := range rec.Parts {
		known = known || p.File == file
	}
	if !known {
		return nil, rec, ErrNotFound
	}
	f, err := r.library.store.root.Open(nameOf(nameOf(folder, id), file))
	if errors.Is(err, os.ErrNotExist) {
		err = ErrNotFound
	}
	return f, rec, err
}

// Remove deletes a closed recording without calling Observer.DiscardRecording.
func (r *Recorder) Remove(folder, id string) error {
	rec, err := r.library.store.beginDelete(folder, id)
	if err != nil {
		return err
	}
	return r.library.store.remove(rec)
}

// sweep repeats failed notifications and deletes recordings that were deleted elsewhere or have expired.
func (r *Recorder) sweep(ctx context.Context) {
	l := r.library
	for _, rec := range l.store.list(func(e *entry) bool { return e.closed && !e.notified && !e.deleting }) {
		if ctx.Err() == nil {
			l.notifyFinished(rec)
		}
	}
	if err := r.sweepDeleted(ctx); err != nil && ctx.Err() == nil {
		l.cfg.Log.WarnContext(ctx, "looking for deleted recordings failed, retrying later", slog.Any("error", err))
	}
	if l.cfg.RecordKeep <= 0 {
		return
	}
	oldest := l.cfg.Now().Add(-l.cfg.RecordKeep)
	for _, rec := range l.store.list(func(e *entry) bool { return e.closed && !e.deleting && e.EndedAt.Before(oldest) }) {
		if ctx.Err() != nil {
			return
		}
		if err := l.discard(ctx, rec, ReasonExpired); err != nil {
			l.cfg.Log.WarnContext(ctx, "deleting an expired recording failed, retrying later", slog.String("recording_id", rec.ID), slog.Any("error", err))
		}
	}
}

// sweepDeleted deletes the files of recordings that the observer reports as deleted.
func (r *Recorder) sweepDeleted(ctx context.Context) error {
	all := r.library.store.list(func(e *entry) bool { return e.closed && !e.deleting })
	if len(all) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, observerTimeout)
	defer cancel()
	deleted, err := r.library.cfg.Observer.FindDeleted(ctx, all)
	for _, rec := range deleted {
		if err := r.Remove(rec.Folder, rec.ID); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return err
}

// Stats describes a Recorder at one moment.
type Stats struct {
	Running  int    // recordings that are being written
	Kept     int    // recordings on disk, including running ones
	Bytes    int64  // disk space of all recordings
	Failures uint64 // recordings that ended before their broadcast
	Deleted  uint64 // recordings that were deleted to free space or after RecordKeep
	Syncs    uint64 // fsyncs of running recordings
}

// Stats returns the current counters.
func (r *Recorder) Stats() Stats {
	l := r.library
	s := Stats{Failures: l.failures.Load(), Deleted: l.deleted.Load(), Syncs: l.syncs.Load()}
	r.mu.Lock()
	s.Running = len(r.writers)
	r.mu.Unlock()
	s.Kept, s.Bytes = l.store.usage()
	return s
}
