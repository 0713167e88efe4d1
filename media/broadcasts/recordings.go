package broadcasts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"roomlog/domain"
	"roomlog/media"
	"roomlog/media/record"
	"roomlog/projections"
)

// RecordMode says what is recorded.
type RecordMode string

// The modes.
const (
	RecordOff       RecordMode = "off"       // nothing, whatever owners want
	RecordRequested RecordMode = "requested" // the rooms whose owners want it
	RecordAll       RecordMode = "all"       // all rooms but those whose owners do not want it
)

// RecordingQueries is what of the tables it asks.
type RecordingQueries interface {
	Live(ctx context.Context, id domain.LiveID) (projections.Live, error)
	Recording(ctx context.Context, id domain.RecordingID) (projections.Recording, error)
	DeletedRecordings(ctx context.Context, ids []string) ([]string, error)
}

// RecordingsConfig is what an Archive is made of. All of it has to be given.
type RecordingsConfig struct {
	Record   RecordMode
	Commands Executor
	Queries  RecordingQueries
	Signer   *media.Signer
	Log      *slog.Logger
}

// Recordings is the observer of a record.Recorder.
type Recordings struct{ cfg RecordingsConfig }

// NewRecordings makes an Archive.
func NewRecordings(cfg RecordingsConfig) (*Recordings, error) {
	switch {
	case cfg.Record != RecordOff && cfg.Record != RecordRequested && cfg.Record != RecordAll:
		return nil, fmt.Errorf("record mode must be off, requested or all (got %q)", cfg.Record)
	case cfg.Commands == nil || cfg.Queries == nil || cfg.Signer == nil || cfg.Log == nil:
		return nil, errors.New("archive: Commands, Queries, Signer and Log are required")
	}
	return &Recordings{cfg}, nil
}

// BroadcastSource is where shows are.
type BroadcastSource interface {
	Subscribe(show media.Broadcast) (*media.Player, error)
}

// Start records a show that has begun, if it is to be recorded. That it is not, for want of something, is no
// reason for the show to end.
func (a *Recordings) Start(ctx context.Context, live domain.LiveID, show media.Broadcast, from BroadcastSource, to *record.Recorder) {
	wanted, err := a.wanted(ctx, live)
	if err == nil && wanted {
		var source *media.Player
		if source, err = from.Subscribe(show); err == nil {
			err = to.Start(folderOf(live), show.ID, source)
		}
	}
	if err != nil && !errors.Is(err, record.ErrExists) { // of a show that is told twice
		a.cfg.Log.WarnContext(ctx, "a show is not recorded", slog.String("show", show.ID), slog.Int64("live", int64(live)), slog.Any("err", err))
	}
}

// Stop tells why a show has ended.
func (a *Recordings) Stop(live domain.LiveID, show media.Broadcast, why media.Reason, of *record.Recorder) {
	of.Stop(folderOf(live), show.ID, record.ReasonOf(why))
}

func (a *Recordings) wanted(ctx context.Context, live domain.LiveID) (bool, error) {
	if a.cfg.Record == RecordOff {
		return false, nil
	}
	room, err := a.cfg.Queries.Live(ctx, live)
	return err == nil && (room.Record == domain.RecordOn || a.cfg.Record == RecordAll && room.Record != domain.RecordOff), err
}

// RecordingStarted implements record.Observer.
func (a *Recordings) RecordingStarted(ctx context.Context, r record.Recording) error {
	live, err := liveOf(r)
	if err != nil {
		return err
	}
	return a.say(ctx, domain.StartRecording{Live: live, Recording: domain.RecordingID(r.ID)})
}

// RecordingFinished implements record.Observer.
func (a *Recordings) RecordingFinished(ctx context.Context, r record.Recording) error {
	live, err := liveOf(r)
	if err != nil {
		return err
	}
	c := domain.FinishRecording{Live: live, Recording: domain.RecordingID(r.ID), Cause: domain.RecordingCause(r.Reason),
		StartedAt: stamp(r.StartedAt), EndedAt: stamp(r.EndedAt), DurationMS: r.Length.Milliseconds(), Bytes: r.Bytes}
	for _, p := range r.Parts {
		c.Parts = append(c.Parts, domain.RecordingPart{File: p.File, StartedAt: stamp(p.StartedAt), DurationMS: p.Length.Milliseconds(), Bytes: p.Bytes,
			Media: domain.MediaInfo{Video: string(p.Video), Width: p.Size.Width, Height: p.Size.Height, Audio: string(p.Audio)}})
	}
	return a.say(ctx, c)
}

// DiscardRecording implements record.Observer.
func (a *Recordings) DiscardRecording(ctx context.Context, r record.Recording, why record.Reason) error {
	live, err := liveOf(r)
	if err != nil {
		return err
	}
	return a.say(ctx, domain.DiscardRecording{Live: live, Recording: domain.RecordingID(r.ID), Cause: domain.RecordingCause(why)})
}

// FindDeleted implements record.Observer.
func (a *Recordings) FindDeleted(ctx context.Context, all []record.Recording) ([]record.Recording, error) {
	ids := make([]string, len(all))
	for i, r := range all {
		ids[i] = r.ID
	}
	gone, err := a.cfg.Queries.DeletedRecordings(ctx, ids)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(all), func(r record.Recording) bool { return !slices.Contains(gone, r.ID) }), nil
}

// Authorize is the gate of a record.Door.
func (a *Recordings) Authorize(ctx context.Context, folder, id, sign string) error {
	r, err := a.cfg.Queries.Recording(ctx, domain.RecordingID(id))
	switch {
	case errors.Is(err, projections.ErrNotFound):
		return record.ErrNotFound
	case err != nil:
		return err
	case folderOf(r.Live) != folder:
		return record.ErrNotFound
	case a.cfg.Signer.Verify(media.ScopePlay, r.StreamKey, sign) != nil:
		return record.ErrForbidden
	}
	return nil
}

func (a *Recordings) say(ctx context.Context, c domain.Command) error {
	_, err := a.cfg.Commands.Execute(ctx, domain.Request{Actor: domain.Actor{Kind: domain.System}, Command: c})
	return err
}

// stamp is a time as the log keeps it.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

func folderOf(live domain.LiveID) string { return strconv.FormatInt(int64(live), 10) }

func liveOf(r record.Recording) (domain.LiveID, error) {
	n, err := strconv.ParseInt(r.Folder, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("archive: folder %q is no room", r.Folder)
	}
	return domain.LiveID(n), nil
}
