package upload

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
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
	maxErrors  = 10        // maximum number of errors of single files that are returned
	orphanAge  = time.Hour // age at which a file that is not in the log is deleted, because its upload was interrupted
	fullEvery  = time.Hour // interval between two comparisons of the whole folder

	// overlap is the time by which the period of a search overlaps that of the last search. It is longer than the lag
	// with which Deleted may return an upload.
	overlap = 5 * time.Minute
)

// Cleaner deletes the files of deleted uploads, and the files of uploads that were interrupted before they were
// recorded in the log. It keeps files from the time before the log recorded uploads.
type Cleaner struct {
	Store    *Store
	Find     func(ctx context.Context, names []string) (map[string]Status, error) // returns the status of the uploads with the given names that the log contains
	Deleted  func(ctx context.Context, since time.Time) ([]string, error)         // names of the uploads that were deleted since a time
	Interval time.Duration
	Now      func() time.Time // the clock of the process, which also dates files
	Log      *slog.Logger

	searched time.Time // the next search begins here: start of the last comparison or of the last search that deleted all files
	compared time.Time // start of the last complete comparison of the folder with the log
}

// Run deletes files at the interval until ctx ends. At first and every hour it compares the whole folder with the log.
// In between it searches only for the uploads that were deleted meanwhile. After a failure it logs the error and tries
// again, at the next comparison at the latest.
func (c *Cleaner) Run(ctx context.Context) error {
	for wait.Sleep(ctx, c.Interval) {
		removed, err := c.Sweep(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			c.Log.WarnContext(ctx, "deleting uploads failed, retrying later", slog.Any("error", err))
		case removed > 0:
			c.Log.InfoContext(ctx, "deleted files of uploads", slog.Int("count", removed))
		}
	}
	return nil
}

// Sweep deletes the files of uploads that were deleted since the last sweep. When an hour has passed since the last
// comparison of the whole folder, it compares again. It returns the number of files that it has deleted. After a file that
// cannot be deleted, Sweep continues with the others. It returns the errors, and later sweeps try again.
func (c *Cleaner) Sweep(ctx context.Context) (removed int, err error) {
	now := c.Now()
	if c.compared.IsZero() || now.Sub(c.compared) >= fullEvery {
		removed, failures, err := c.compare(ctx)
		if err == nil {
			c.searched, c.compared = now, now
		}
		return removed, errors.Join(joined(failures), err)
	}
	names, err := c.Deleted(ctx, c.searched.Add(-overlap))
	if err != nil {
		return 0, fmt.Errorf("look deleted uploads up: %w", err)
	}
	var failures []error
	for _, name := range names {
		deleted, err := c.Store.Remove(name)
		if err != nil {
			failures = append(failures, err)
		}
		if deleted {
			removed++
		}
	}
	if len(failures) == 0 { // otherwise the next search finds the uploads again
		c.searched = now
	}
	return removed, joined(failures)
}

// Clean compares the folder with the log once. It returns the number of files that it has deleted, and the errors of the files
// that it could not delete.
func (c *Cleaner) Clean(ctx context.Context) (removed int, err error) {
	removed, failures, err := c.compare(ctx)
	return removed, errors.Join(joined(failures), err)
}

// compare compares the folder with the log. failures are the errors of files that could not be deleted; with another error the
// comparison ends.
func (c *Cleaner) compare(ctx context.Context) (removed int, failures []error, err error) {
	files, err := c.Store.Files()
	if err != nil {
		return 0, nil, err
	}
	for batch := range slices.Chunk(files, cleanBatch) {
		n, failed, err := c.cleanBatch(ctx, batch)
		removed, failures = removed+n, append(failures, failed...)
		if err != nil {
			return removed, failures, err
		}
	}
	return removed, failures, nil
}

func (c *Cleaner) cleanBatch(ctx context.Context, files []fs.FileInfo) (removed int, failures []error, err error) {
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = f.Name()
	}
	known, err := c.Find(ctx, names)
	if err != nil {
		return 0, nil, fmt.Errorf("look uploads up: %w", err)
	}
	orphaned := c.Now().Add(-orphanAge)
	for _, f := range files {
		status := known[f.Name()]
		if status == Kept || status == Unknown && (f.ModTime().After(orphaned) || f.ModTime().Before(c.Store.since)) {
			continue
		}
		var err error
		if strings.HasSuffix(f.Name(), partialSuffix) { // these bytes were released when the upload failed, or were never counted
			err = c.Store.folder.Remove(f.Name())
		} else {
			_, err = c.Store.Remove(f.Name())
		}
		if err != nil {
			failures = append(failures, err)
			continue
		}
		removed++
	}
	return removed, failures, nil
}

// joined joins the errors of files. It returns only the first ones and the number of the others, because on a folder
// that cannot be written every file fails.
func joined(failures []error) error {
	if over := len(failures) - maxErrors; over > 0 {
		failures = append(failures[:maxErrors:maxErrors], fmt.Errorf("%d more files could not be deleted", over))
	}
	return errors.Join(failures...)
}
