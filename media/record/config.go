package record

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"roomlog/media"
)

// The values that a zero Config means.
const (
	// DefaultFragment is how much of a show is lost when the process is killed. A fragment ends before the
	// first key frame after that time, or at twice as much.
	DefaultFragment = time.Second
	// DefaultQuota is how much all recordings may take: two days of 2 Mbit/s.
	DefaultQuota = 50 << 30
	// DefaultFolderQuota is how much those of one folder may take.
	DefaultFolderQuota = 10 << 30
	// DefaultReserve is what is left free on the disk, for others live there too.
	DefaultReserve = 1 << 30
	// DefaultSweepInterval is how often old recordings are looked for, and those told that could not be told before.
	DefaultSweepInterval = time.Minute
)

const (
	maxParts       = 100              // of a recording
	maxFragment    = 4 << 20          // bytes that wait to be written
	maxFrames      = 4096             // and frames
	maxJumpBack    = 3 * 1000         // ms, before a new part begins
	maxJumpForward = 60 * 1000        // ms
	maxFaults      = 250              // frames in a row that cannot be written
	maxStep        = 1000             // ms between two frames of one kind, for the last one to last as long
	usualStep      = 40               // ms
	syncEach       = 5 * time.Second  // that the disk is asked to keep what was written
	reasonTime     = 5 * time.Second  // for whoever knows why a show has ended to say so
	tellTime       = 5 * time.Second  // for an observer; one that could not say what may be deleted is left alone for as long
	leaveTime      = time.Second      // for an observer to say what may be deleted, while somebody waits to write
	farewellTime   = 10 * time.Second // for shows to end when the recorder does
)

// Config is what a Recorder is made of. Dir and Now are needed; the rest may be zero.
type Config struct {
	// Dir is a folder that is made if need be, and belongs to one Recorder.
	Recordings string
	// Now is the clock.
	Now func() time.Time
	// Log takes what an operator should know. nil means slog.Default().
	Log *slog.Logger
	// Observer is told of recordings; nil means nobody is.
	Observer Observer

	FragmentLength time.Duration
	// Quota bounds the bytes of all recordings, RecordLiveQuota those of one folder; Reserve is what has to stay
	// free on the disk. Below 0 there is no bound. While the observer keeps what would make room, what is being
	// written goes beyond the quotas, not into the reserve.
	RecordQuota, RecordLiveQuota, RecordReserve int64
	// Keep is how long a closed recording is kept; 0 means until there is need of its space.
	RecordKeep time.Duration
	// Sweep is how often that is looked at, and what somebody has deleted.
	RecordSweep time.Duration
}

// Observer is told of recordings, by many goroutines at once. Its calls take their time from the recording,
// not from the show. What could not be told is told again later, perhaps by another process, and perhaps
// twice.
type Observer interface {
	// Started tells that a recording has begun to be written.
	RecordingStarted(ctx context.Context, r Recording) error
	// Finished tells that it is closed, and why.
	RecordingFinished(ctx context.Context, r Recording) error
	// Deleted answers which of these are to be deleted, since somebody said so.
	FindDeleted(ctx context.Context, all []Recording) (gone []Recording, err error)
	// Discard asks for leave to delete a closed recording: an error keeps it.
	DiscardRecording(ctx context.Context, r Recording, why Reason) error
}

// Source is a show as a player reads it; *media.Player is one.
type Source interface {
	Next(dst []*media.Frame) ([]*media.Frame, error)
	Skips() uint64
	Close()
}

// What a Recorder says when it cannot.
var (
	ErrClosed         = errors.New("record: shutting down")
	ErrExists         = errors.New("record: there is such a recording")
	ErrNotFound       = errors.New("record: no such recording")
	ErrStillRecording = errors.New("record: it is still being written")
	ErrInUse          = errors.New("record: the folder is in use by another process")
	ErrName           = errors.New("record: not a name")
)

func (c Config) withDefaults() (Config, error) {
	switch {
	case c.Recordings == "":
		return c, errors.New("record: no folder")
	case c.Now == nil:
		return c, errors.New("record: no clock")
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Observer == nil {
		c.Observer = nobody{}
	}
	c.FragmentLength = cmp.Or(c.FragmentLength, DefaultFragment)
	c.RecordQuota = cmp.Or(c.RecordQuota, DefaultQuota)
	c.RecordLiveQuota = cmp.Or(c.RecordLiveQuota, DefaultFolderQuota)
	c.RecordReserve = cmp.Or(c.RecordReserve, DefaultReserve)
	c.RecordSweep = cmp.Or(c.RecordSweep, DefaultSweepInterval)
	return c, nil
}

// nobody is told nothing.
type nobody struct{}

func (nobody) RecordingStarted(context.Context, Recording) error             { return nil }
func (nobody) RecordingFinished(context.Context, Recording) error            { return nil }
func (nobody) FindDeleted(context.Context, []Recording) ([]Recording, error) { return nil, nil }
func (nobody) DiscardRecording(context.Context, Recording, Reason) error     { return nil }
