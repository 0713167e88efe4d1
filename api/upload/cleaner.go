package upload

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	"roomlog/internal/wait"
)

// Status is the state of an upload according to the log.
type Status int

// The statuses.
const (
	Unknown Status = iota // the log does not contain the upload (yet)
	Kept
	Deleted
)

const (
	cleanBatch = 500       // number of names that one query looks up
	orphanAge  = time.Hour // age at which a file that is not in the log is deleted, because its upload was interrupted
	fullEvery  = time.Hour // between two comparisons of the whole folder

	// overlap is how much earlier than the last search a search begins. It is longer than the lag with which Deleted may
	// return an upload.
	overlap = 5 * time.Minute
)

// Cleaner deletes the files of deleted uploads, and the files of uploads that were interrupted before they were
// recorded in the log. It keeps files from the time before the log recorded uploads.
type Cleaner struct {
	Store    *Store
	Find     func(ctx context.Context, names []string) (map[string]Status, error) // returns the status of the uploads with the given names that the log contains
	Deleted  func(ctx context.Context, since time.Time) ([]string, error)         // names of the uploads that were deleted since a time
	Interval time.Duration
	Now      func() time.Time // the clock of the log
	Log      *slog.Logger

	searched, compared time.Time // start of the last search, and of the last comparison of the whole folder, that did not fail
}

// Run deletes files at the interval until ctx ends. At first and every hour it compares the whole folder with the log.
// In between it searches only for the uploads that were deleted meanwhile. After a failure it logs the error and tries
// again.
func (c *Cleaner) Run(ctx context.Context) error {
	for wait.Sleep(ctx, c.Interval) {
		removed, err := c.Sweep(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			c.Log.WarnContext(ctx, "deleting uploads failed, retrying at the next interval", slog.Any("error", err))
		case removed > 0:
			c.Log.InfoContext(ctx, "deleted files of uploads", slog.Int("count", removed))
		}
	}
	return nil
}

// Sweep deletes the files of uploads that were deleted since the last sweep. When an hour has passed since the last comparison of
// the whole folder, it compares again. It returns the number of files that it has deleted.
func (c *Cleaner) Sweep(ctx context.Context) (removed int, err error) {
	now := c.Now()
	if c.compared.IsZero() || now.Sub(c.compared) >= fullEvery {
		if removed, err = c.Clean(ctx); err == nil {
			c.searched, c.compared = now, now
		}
		return removed, err
	}
	names, err := c.Deleted(ctx, c.searched.Add(-overlap))
	if err != nil {
		return 0, fmt.Errorf("look deleted uploads up: %w", err)
	}
	for _, name := range names {
		deleted, err := c.Store.Remove(name)
		if err != nil {
			return removed, err
		}
		if deleted {
			removed++
		}
	}
	c.searched = now
	return removed, nil
}

// Clean compares the folder with the log once, and returns the number of files that it has deleted.
func (c *Cleaner) Clean(ctx context.Context) (removed int, err error) {
	files, err := c.Store.Files()
	if err != nil {
		return 0, err
	}
	for len(files) > 0 {
		batch := files[:min(len(files), cleanBatch)]
		files = files[len(batch):]
		n, err := c.cleanBatch(ctx, batch)
		removed += n
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}

func (c *Cleaner) cleanBatch(ctx context.Context, files []fs.FileInfo) (removed int, err error) {
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = f.Name()
	}
	known, err := c.Find(ctx, names)
	if err != nil {
		return 0, fmt.Errorf("look uploads up: %w", err)
	}
	orphaned := c.Now().Add(-orphanAge)
	for _, f := range files {
		status := known[f.Name()]
		if status == Kept || status == Unknown && (f.ModTime().After(orphaned) || f.ModTime().Before(c.Store.since)) {
			continue
		}
		if strings.HasSuffix(f.Name(), partialSuffix) { // these bytes were released when the upload failed, or were never counted
			err = c.Store.folder.Remove(f.Name())
		} else {
			_, err = c.Store.Remove(f.Name())
		}
		if err != nil {
			return removed, err
		}
		removed++
	}
	return removed, nil
}
