package record

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// library holds what the recorder and its writers share: the store, the observer, and the deletion of recordings.
type library struct {
	cfg   Config
	store *store

	makingRoom sync.Mutex
	overQuota  time.Time // time until which recordings may exceed the quota and the observer is not called; guarded by makingRoom

	failures atomic.Uint64
	deleted  atomic.Uint64
	syncs    atomic.Uint64
}

// claim reserves n bytes for a running recording. It deletes the oldest closed recordings if necessary. While the
// observer refuses deletions, running recordings may exceed the quota.
func (l *library) claim(rec Recording, n int64) error {
	l.makingRoom.Lock()
	defer l.makingRoom.Unlock()
	for {
		victim, err := l.store.claim(rec.Folder, rec.ID, n)
		if err != nil || victim == nil {
			return err
		}
		if l.cfg.Now().Before(l.overQuota) {
			break
		}
		ctx, cancel := context.WithTimeout(context.Background(), discardTimeout)
		err = l.discard(ctx, *victim, ReasonQuota)
		cancel()
		if err != nil && err != ErrNotFound && err != ErrStillRecording { //nolint:errorlint // our own errors mean that the recording is already deleted; the errors of an observer do not
			l.cfg.Log.Warn("recordings exceed their quota", slog.Any("error", err))
			l.overQuota = l.cfg.Now().Add(observerTimeout)
			break
		}
	}
	l.store.count(rec.Folder, rec.ID, n)
	return nil
}

// discard deletes a recording if the observer permits it.
func (l *library) discard(ctx context.Context, rec Recording, reason Reason) error {
	ctx, cancel := context.WithTimeout(ctx, observerTimeout)
	defer cancel()
	rec, err := l.store.beginDelete(rec.Folder, rec.ID)
	if err != nil {
		return err
	}
	if err := l.cfg.Observer.DiscardRecording(ctx, rec, reason); err != nil {
		l.store.cancelDelete(rec)
		return fmt.Errorf("record: delete %s: %w", nameOf(rec.Folder, rec.ID), err)
	}
	l.deleted.Add(1)
	l.cfg.Log.InfoContext(ctx, "recording deleted", slog.String("recording_id", rec.ID), slog.String("reason", string(reason)),
		slog.Int64("bytes", rec.Bytes))
	return l.store.remove(rec)
}

// notifyStarted notifies the observer of a new recording.
func (l *library) notifyStarted(rec Recording) {
	ctx, cancel := context.WithTimeout(context.Background(), observerTimeout)
	defer cancel()
	if err := l.cfg.Observer.RecordingStarted(ctx, rec); err != nil {
		l.cfg.Log.Warn("start of a recording not reported", slog.String("recording_id", rec.ID), slog.Any("error", err))
	}
}

// notifyFinished notifies the observer of the end of a recording, and stores in its index that it was notified.
func (l *library) notifyFinished(rec Recording) {
	ctx, cancel := context.WithTimeout(context.Background(), observerTimeout)
	defer cancel()
	if now, found := l.store.get(rec.Folder, rec.ID); found {
		rec = now
	}
	if err := l.cfg.Observer.RecordingFinished(ctx, rec); err != nil {
		l.cfg.Log.Warn("end of a recording not reported, retrying later", slog.String("recording_id", rec.ID), slog.Any("error", err))
		return
	}
	l.store.setNotified(rec)
	index, err := l.store.root.OpenFile(nameOf(nameOf(rec.Folder, rec.ID), IndexFile), os.O_RDWR, 0)
	if err != nil {
		return // the next process notifies again, which is harmless
	}
	defer index.Close()
	if info, err := index.Stat(); err == nil {
		n, _ := line{Kind: lineNotified, Wall: l.cfg.Now()}.write(index, info.Size())
		l.store.count(rec.Folder, rec.ID, n)
	}
}
