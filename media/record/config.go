package record

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"roomlog/internal/disk"
	"roomlog/internal/settings"
	"roomlog/media"
)

const (
	ringParts    = 4               // minimum number of parts of a recording that fills its quota
	maxOverflow  = 64 << 20        // maximum number of bytes over the quota until a key frame begins another part
	maxParts     = 100             // maximum number of parts of a recording
	maxFragment  = 4 << 20         // maximum number of bytes that wait to be written
	maxFrames    = 4096            // maximum number of frames that wait to be written
	maxFaults    = 250             // maximum number of consecutive frames that cannot be written
	maxStep      = 1000            // in ms; if the last two frames of a kind are further apart, the last frame gets the duration usualStep
	usualStep    = 40              // in ms; assumed duration of a last frame
	syncInterval = 5 * time.Second // minimum time between two fsyncs of a running recording

	reasonTimeout   = 5 * time.Second  // maximum time from the end of the source until Stop is called
	observerTimeout = 5 * time.Second  // time for a call of the Observer
	discardTimeout  = time.Second      // maximum time for DiscardRecording while a writer waits for space
	shutdownTimeout = 10 * time.Second // time for broadcasts to end when the recorder stops
)

// Config configures a Recorder. Recordings and Now are required.
type Config struct {
	// Recordings is the directory of the recordings. It is created if necessary and belongs to one Recorder.
	Recordings string
	// Now returns the current time.
	Now func() time.Time
	// Log is the logger; nil means slog.Default().
	Log *slog.Logger
	// Observer is notified of recordings; nil means no notifications.
	Observer Observer

	disk.Settings

	// FragmentLength is the length of the recording that is lost when the process is killed. A fragment ends before
	// the first key frame after this time, or at twice this time.
	FragmentLength time.Duration `default:"1s"`
	// RecordQuota is enough for two days of 2 Mbit/s. While the Observer refuses deletions, running recordings may
	// exceed the quotas, but not the reserve.
	RecordQuota     int64 `default:"53687091200" min:"1048576" max:"1125899906842624" unit:"bytes" zero:"no limit" help:"Maximum disk space of all recordings, 50 GiB by default."`
	RecordLiveQuota int64 `default:"10737418240" min:"1048576" max:"1125899906842624" unit:"bytes" zero:"no limit" help:"Maximum disk space of the recordings of one live, 10 GiB by default."`
	// RecordOverflow is OverflowRing or OverflowEnd.
	RecordOverflow string        `default:"ring" oneof:"ring,end" help:"What happens when recordings reach their quota. ring: the oldest recordings are deleted, then the oldest parts of the running recording, which goes on. end: nothing is deleted, and the running recording ends."`
	RecordKeep     time.Duration `max:"876000h" help:"Time after which a finished recording is deleted. Default: 0, which keeps recordings until their space is needed."`
	RecordSweep    time.Duration `default:"1m" min:"10ms" max:"1h" help:"Interval between two searches for expired recordings and for files of deleted recordings."`
}

// The values of Config.RecordOverflow.
const (
	OverflowRing = "ring"
	OverflowEnd  = "end"
)

// dropsParts reports whether running recordings delete their oldest parts when they reach a quota.
func (c Config) dropsParts() bool {
	return c.RecordOverflow == OverflowRing && (c.RecordQuota > 0 || c.RecordLiveQuota > 0)
}

// Observer is notified of recordings, by several goroutines at the same time. Its calls delay the recording, not the
// broadcast. A failed notification of an end is repeated later, perhaps by another process, and may arrive twice.
type Observer interface {
	// RecordingStarted is called when a recording has been created.
	RecordingStarted(ctx context.Context, r Recording) error
	// RecordingFinished is called when a recording is closed.
	RecordingFinished(ctx context.Context, r Recording) error
	// FindDeleted returns those of the closed recordings in all whose files must be deleted.
	FindDeleted(ctx context.Context, all []Recording) (deleted []Recording, err error)
	// DiscardRecording is called before a closed recording is deleted. An error keeps the recording.
	DiscardRecording(ctx context.Context, r Recording, reason Reason) error
}

// Source provides the frames of a broadcast. *media.Player implements it.
type Source interface {
	Next(dst []*media.Frame) ([]*media.Frame, error)
	Skips() uint64
	Close()
}

// Errors of a Recorder.
var (
	ErrClosed         = errors.New("record: shutting down")
	ErrExists         = errors.New("record: the recording exists already")
	ErrNotFound       = errors.New("record: recording not found")
	ErrStillRecording = errors.New("record: the recording is still running")
	ErrInUse          = errors.New("record: the directory is used by another process")
	ErrName           = errors.New("record: invalid name")
)

func (c Config) withDefaults() (Config, error) {
	switch {
	case c.Recordings == "":
		return c, errors.New("record: Config.Recordings is required")
	case c.Now == nil:
		return c, errors.New("record: Config.Now is required")
	}
	settings.Defaults(&c)
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Observer == nil {
		c.Observer = noObserver{}
	}
	return c, nil
}

// noObserver ignores all notifications.
type noObserver struct{}

func (noObserver) RecordingStarted(context.Context, Recording) error             { return nil }
func (noObserver) RecordingFinished(context.Context, Recording) error            { return nil }
func (noObserver) FindDeleted(context.Context, []Recording) ([]Recording, error) { return nil, nil }
func (noObserver) DiscardRecording(context.Context, Recording, Reason) error     { return nil }
