package record

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"roomlog/media/rtmp"
)

// Recorder writes shows, and keeps what was written. Run must run while it does. It is safe for concurrent
// use.
type Recorder struct {
	cfg      Config
	disk     *disk
	making   sync.Mutex // room
	beyond   time.Time  // making: until then recordings go beyond the quota, and nobody is asked
	failures atomic.Uint64
	deleted  atomic.Uint64
	syncs    atomic.Uint64

	mu     sync.Mutex
	tapes  map[string]*tape // by name
	idle   *sync.Cond       // no tape is left
	closed bool
}

// New takes a folder for this process, and closes the recordings that another one has left open in it.
// Close gives it back.
func New(cfg Config) (*Recorder, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	disk, err := openDisk(cfg)
	if err != nil {
		return nil, err
	}
	r := &Recorder{cfg: cfg, disk: disk, tapes: make(map[string]*tape)}
	r.idle = sync.NewCond(&r.mu)
	if err := disk.takeIn(); err != nil {
		disk.close()
		return nil, err
	}
	return r, nil
}

// Run tells the observer what it has not heard, and deletes what is too old, until ctx ends. Then it waits
// for recordings to end with their shows, ends those that do not, and returns nil. Nothing is recorded
// afterwards.
func (r *Recorder) Run(ctx context.Context) error {
	ticker := time.NewTicker(r.cfg.RecordSweep)
	defer ticker.Stop()
	for {
		r.sweep(ctx)
		select {
		case <-ctx.Done():
			r.finish()
			return nil
		case <-ticker.C:
		}
	}
}

// finish ends all recordings.
func (r *Recorder) finish() {
	force := time.AfterFunc(farewellTime, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, t := range r.tapes {
			t.source.Close()
		}
	})
	defer force.Stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for len(r.tapes) > 0 {
		r.idle.Wait()
	}
}

// Close gives the folder back. Run must have returned.
func (r *Recorder) Close() error {
	r.disk.close()
	return nil
}

// Start records a show from source, which it closes. folder and id are names like those of streams; id has to
// be one that was never used in folder.
func (r *Recorder) Start(folder, id string, source Source) error {
	err := r.begin(folder, id, source)
	if err != nil {
		source.Close()
	}
	return err
}

func (r *Recorder) begin(folder, id string, source Source) error {
	if !rtmp.ValidName(folder) || !rtmp.ValidName(id) {
		return fmt.Errorf("%w: %q", ErrName, nameOf(folder, id))
	}
	t := &tape{Recorder: r, source: source, why: make(chan Reason, 1), rec: Recording{Folder: folder, ID: id, StartedAt: r.cfg.Now()}}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	if err := r.disk.add(t.rec); err != nil {
		return err
	}
	r.tapes[t.name()] = t
	go func() {
		defer r.forget(t)
		t.run()
	}()
	return nil
}

func (r *Recorder) forget(t *tape) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.tapes, t.name())
	if len(r.tapes) == 0 {
		r.idle.Broadcast()
	}
}

// Stop says why the show of a recording has ended. It ends by itself, with its source.
func (r *Recorder) Stop(folder, id string, why Reason) {
	r.mu.Lock()
	t := r.tapes[nameOf(folder, id)]
	r.mu.Unlock()
	if t != nil {
		t.end(why)
	}
}

// List is all recordings, the one that began first at the front.
func (r *Recorder) List() []Recording { return r.disk.list(func(*book) bool { return true }) }

// Get finds a recording.
func (r *Recorder) Get(folder, id string) (Recording, bool) { return r.disk.get(folder, id) }

// Open opens a file of a recording for reading, and says how much of it is there for good: the table of one
// that is being written is not.
func (r *Recorder) Open(folder, id, file string) (*os.File, Recording, error) {
	rec, there := r.disk.get(folder, id)
	if !there {
		return nil, rec, ErrNotFound
	}
	known := file == IndexFile
	for _, p := range rec.Parts {
		known = known || p.File == file
	}
	if !known {
		return nil, rec, ErrNotFound
	}
	f, err := r.disk.root.Open(nameOf(nameOf(folder, id), file))
	if errors.Is(err, os.ErrNotExist) {
		err = ErrNotFound
	}
	return f, rec, err
}

// Remove deletes a closed recording. The observer is not asked.
func (r *Recorder) Remove(folder, id string) error {
	rec, err := r.disk.leave(folder, id)
	if err != nil {
		return err
	}
	return r.disk.remove(rec)
}

// room claims space for a recording. Whatever is closed makes room for what is being written; as long as nobody can
// say whether it may be deleted, what is being written goes beyond the quota.
func (r *Recorder) room(rec Recording, n int64) error {
	r.making.Lock()
	defer r.making.Unlock()
	for {
		victim, err := r.disk.claim(rec.Folder, rec.ID, n)
		if err != nil || victim == nil {
			return err
		}
		if r.cfg.Now().Before(r.beyond) {
			break
		}
		ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
		err = r.discard(ctx, *victim, ReasonQuota)
		cancel()
		if err != nil && err != ErrNotFound && err != ErrStillRecording { //nolint:errorlint // our own, that it is gone already; not an observer's
			r.cfg.Log.Warn("recordings go beyond their quota", slog.Any("err", err))
			r.beyond = r.cfg.Now().Add(tellTime)
			break
		}
	}
	r.disk.count(rec.Folder, rec.ID, n)
	return nil
}

// discard deletes a recording if the observer agrees.
func (r *Recorder) discard(ctx context.Context, rec Recording, why Reason) error {
	ctx, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	rec, err := r.disk.leave(rec.Folder, rec.ID)
	if err != nil {
		return err
	}
	if err := r.cfg.Observer.DiscardRecording(ctx, rec, why); err != nil {
		r.disk.stay(rec)
		return fmt.Errorf("record: discard %s: %w", nameOf(rec.Folder, rec.ID), err)
	}
	r.deleted.Add(1)
	r.cfg.Log.InfoContext(ctx, "recording deleted", slog.String("recording", nameOf(rec.Folder, rec.ID)), slog.String("why", string(why)),
		slog.Int64("bytes", rec.Bytes))
	return r.disk.remove(rec)
}

// sweep does what time brings about.
func (r *Recorder) sweep(ctx context.Context) {
	for _, rec := range r.disk.list(func(b *book) bool { return b.closed && !b.told && !b.leaving }) {
		if ctx.Err() == nil {
			r.tellFinished(rec)
		}
	}
	if err := r.sweepDeleted(ctx); err != nil && ctx.Err() == nil {
		r.cfg.Log.WarnContext(ctx, "what recordings are deleted is not known", slog.Any("err", err))
	}
	if r.cfg.RecordKeep <= 0 {
		return
	}
	old := r.cfg.Now().Add(-r.cfg.RecordKeep)
	for _, rec := range r.disk.list(func(b *book) bool { return b.closed && !b.leaving && b.EndedAt.Before(old) }) {
		if ctx.Err() != nil {
			return
		}
		if err := r.discard(ctx, rec, ReasonExpired); err != nil {
			r.cfg.Log.WarnContext(ctx, "an old recording stays", slog.Any("err", err))
		}
	}
}

// sweepDeleted deletes the files of what somebody has deleted.
func (r *Recorder) sweepDeleted(ctx context.Context) error {
	all := r.disk.list(func(b *book) bool { return b.closed && !b.leaving })
	if len(all) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	gone, err := r.cfg.Observer.FindDeleted(ctx, all)
	for _, rec := range gone {
		if err := r.Remove(rec.Folder, rec.ID); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return err
}

// tellFinished tells the observer of the end of a recording, and remembers that it has heard.
func (r *Recorder) tellFinished(rec Recording) {
	ctx, cancel := context.WithTimeout(context.Background(), tellTime)
	defer cancel()
	if now, there := r.disk.get(rec.Folder, rec.ID); there {
		rec = now
	}
	if err := r.cfg.Observer.RecordingFinished(ctx, rec); err != nil {
		r.cfg.Log.Warn("nobody was told of the end of a recording", slog.String("recording", nameOf(rec.Folder, rec.ID)), slog.Any("err", err))
		return
	}
	r.disk.told(rec, r.cfg.Now())
}

// Stats is what a Recorder is doing.
type Stats struct {
	Running  int
	Kept     int    // recordings, with those that run
	Bytes    int64  // that they take
	Failures uint64 // recordings that ended before their show
	Deleted  uint64 // for others to have space, or for their age
	Syncs    uint64 // how often the disk was asked to keep what runs
}

// Stats is what it is doing now.
func (r *Recorder) Stats() Stats {
	s := Stats{Failures: r.failures.Load(), Deleted: r.deleted.Load(), Syncs: r.syncs.Load()}
	r.mu.Lock()
	s.Running = len(r.tapes)
	r.mu.Unlock()
	r.disk.mu.Lock()
	s.Kept, s.Bytes = len(r.disk.books), r.disk.bytes
	r.disk.mu.Unlock()
	return s
}
