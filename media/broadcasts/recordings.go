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
	"roomlog/internal/settings"
	"roomlog/media"
	"roomlog/media/record"
	"roomlog/projections"
)

// RecordMode selects the broadcasts that are recorded.
type RecordMode string

// The modes.
const (
	RecordOff       RecordMode = "off"       // no broadcast is recorded
	RecordRequested RecordMode = "requested" // broadcasts of lives whose owners have turned recording on
	RecordAll       RecordMode = "all"       // all broadcasts, except of lives whose owners have turned recording off
)

// RecordingQueries reads the tables. *projections.Queries implements it.
type RecordingQueries interface {
	Live(ctx context.Context, id domain.LiveID) (projections.Live, error)
	Recording(ctx context.Context, id domain.RecordingID) (projections.Recording, error)
	viewerQueries
	DeletedRecordings(ctx context.Context, ids []string) ([]string, error)
}

// RecordingsConfig configures Recordings. All fields without a default are required.
type RecordingsConfig struct {
	Commands Executor
	Queries  RecordingQueries
	Signer   *media.Signer
	Log      *slog.Logger
	Now      func() time.Time
	// Players selects the clients that may play; "" means PlayersAnyone.
	Players PlayersMode

	Record RecordMode `default:"requested" oneof:"off,requested,all" help:"Broadcasts that are recorded. off: none. requested: broadcasts of lives whose owners have switched recording on. all: all broadcasts, except those of lives whose owners have switched recording off. If processes have different roles, those with the role api need the value of those with the role media, because they tell owners whether the next broadcast is recorded."`
}

// Records reports whether the next broadcast of a live is recorded.
func (c RecordingsConfig) Records(live projections.Live) bool {
	switch c.Record {
	case RecordOff:
		return false
	case RecordAll:
		return live.Record != domain.RecordOff
	}
	return live.Record == domain.RecordOn
}

// Recordings starts recordings of broadcasts, records them in the log, and authorizes their playback. It is the
// observer of a record.Recorder and safe for concurrent use.
type Recordings struct{ cfg RecordingsConfig }

// NewRecordings returns Recordings.
func NewRecordings(cfg RecordingsConfig) (*Recordings, error) {
	settings.Defaults(&cfg)
	if err := settings.Check(&cfg); err != nil {
		return nil, err
	}
	if cfg.Commands == nil || cfg.Queries == nil || cfg.Signer == nil || cfg.Log == nil || cfg.Now == nil {
		return nil, errors.New("broadcasts: Commands, Queries, Signer, Log and Now of RecordingsConfig are required")
	}
	return &Recordings{cfg}, nil
}

// BroadcastSource provides the frames of a broadcast. *media.Server implements it.
type BroadcastSource interface {
	Subscribe(b media.Broadcast) (*media.Player, error)
}

// Start starts the recording of a broadcast that has begun, if broadcasts of its live are recorded. Errors are logged
// and do not affect the broadcast.
func (r *Recordings) Start(ctx context.Context, live domain.LiveID, b media.Broadcast, from BroadcastSource, to *record.Recorder) {
	wanted, err := r.wanted(ctx, live)
	if err == nil && wanted {
		var source *media.Player
		if source, err = from.Subscribe(b); err == nil {
			err = to.Start(folderOf(live), b.ID, b.Key, source)
		}
	}
	if err != nil && !errors.Is(err, record.ErrExists) {
		r.cfg.Log.WarnContext(ctx, "broadcast is not recorded", slog.String("broadcast_id", b.ID), slog.Int64("live_id", int64(live)), slog.Any("error", err))
	}
}

// Stop sets the reason for the end of a broadcast that may be recorded.
func (r *Recordings) Stop(live domain.LiveID, b media.Broadcast, reason media.Reason, of *record.Recorder) {
	of.Stop(folderOf(live), b.ID, record.ReasonOf(reason))
}

// wanted reports whether broadcasts of a live are recorded.
func (r *Recordings) wanted(ctx context.Context, id domain.LiveID) (bool, error) {
	if r.cfg.Record == RecordOff {
		return false, nil
	}
	live, err := r.cfg.Queries.Live(ctx, id)
	return err == nil && r.cfg.Records(live), err
}

// RecordingStarted records the beginning of a recording in the log.
func (r *Recordings) RecordingStarted(ctx context.Context, rec record.Recording) error {
	live, err := liveOf(rec)
	if err != nil {
		return err
	}
	return r.execute(ctx, domain.StartRecording{Live: live, Recording: domain.RecordingID(rec.ID), StreamKey: rec.Stream})
}

// RecordingFinished records the end of a recording in the log, unless the log has lost its live.
func (r *Recordings) RecordingFinished(ctx context.Context, rec record.Recording) error {
	live, err := liveOf(rec)
	if err != nil {
		return err
	}
	c := domain.FinishRecording{Live: live, Recording: domain.RecordingID(rec.ID), Cause: domain.RecordingCause(rec.Reason),
		StartedAt: logTime(rec.StartedAt), EndedAt: logTime(rec.EndedAt), DurationMS: rec.Length.Milliseconds(), Bytes: rec.Bytes, StreamKey: rec.Stream}
	c.Parts = partsOf(rec)
	err = r.execute(ctx, c)
	if refusal := domain.AsRefusal(err); refusal != nil && refusal.Code == domain.CodeLiveNotFound {
		r.cfg.Log.WarnContext(ctx, "recording belongs to a live that the log has lost, its files stay until their space is needed",
			slog.String("recording_id", rec.ID), slog.Int64("live_id", int64(live)))
		return nil
	}
	return err
}

// DiscardRecording records the deletion of a recording in the log before its files are deleted.
func (r *Recordings) DiscardRecording(ctx context.Context, rec record.Recording, reason record.Reason) error {
	live, err := liveOf(rec)
	if err != nil {
		return err
	}
	return r.execute(ctx, domain.DiscardRecording{Live: live, Recording: domain.RecordingID(rec.ID), Cause: domain.RecordingCause(reason)})
}

// FindDeleted returns the recordings in all that are deleted in the tables, or whose owner was forgotten.
func (r *Recordings) FindDeleted(ctx context.Context, all []record.Recording) ([]record.Recording, error) {
	ids := make([]string, len(all))
	for i, rec := range all {
		ids[i] = rec.ID
	}
	deleted, err := r.cfg.Queries.DeletedRecordings(ctx, ids)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(all), func(rec record.Recording) bool { return !slices.Contains(deleted, rec.ID) }), nil
}

// Authorize returns nil if sign is a play sign of the recording's live, which may have ended. If the sign has expired, but
// the client otherwise has the right, the error wraps record.ErrForbidden and media.ErrSignExpired. Otherwise it returns
// record.ErrForbidden, record.ErrNotFound or the error of the query. It is the Authorize of a record.Handler.
func (r *Recordings) Authorize(ctx context.Context, folder, id, sign string) error {
	rec, err := r.cfg.Queries.Recording(ctx, domain.RecordingID(id))
	switch {
	case errors.Is(err, projections.ErrNotFound):
		return record.ErrNotFound
	case err != nil:
		return err
	case folderOf(rec.Live) != folder:
		return record.ErrNotFound
	}
	expired := r.cfg.Signer.Verify(media.ScopePlay, rec.StreamKey, sign)
	if expired != nil && !errors.Is(expired, media.ErrSignExpired) {
		return record.ErrForbidden
	}
	owner := r.cfg.Signer.Verify(media.ScopePublish, rec.StreamKey, sign)
	if owner != nil && !errors.Is(owner, media.ErrSignExpired) {
		err = checkViewer(ctx, r.cfg.Queries, r.cfg.Players, rec.Live, sign, r.cfg.Now())
	}
	switch {
	case errors.Is(err, ErrAnonymous), errors.Is(err, ErrViewerRefused):
		return record.ErrForbidden
	case err == nil && expired != nil:
		return fmt.Errorf("%w: %w", record.ErrForbidden, expired)
	}
	return err
}

func (r *Recordings) execute(ctx context.Context, c domain.Command) error {
	_, err := r.cfg.Commands.Execute(ctx, domain.Request{Actor: domain.Actor{Kind: domain.System}, Command: c})
	return err
}

func partsOf(rec record.Recording) (parts []domain.RecordingPart) {
	for _, p := range rec.Parts {
		parts = append(parts, domain.RecordingPart{File: p.File, StartedAt: logTime(p.StartedAt), DurationMS: p.Length.Milliseconds(), Bytes: p.Bytes,
			Media: domain.MediaInfo{Video: string(p.Video), Width: p.Size.Width, Height: p.Size.Height, Audio: string(p.Audio)}})
	}
	return parts
}

// logTime returns t with the precision of the log.
func logTime(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// folderOf returns the folder of the recordings of a live.
func folderOf(live domain.LiveID) string { return strconv.FormatInt(int64(live), 10) }

// liveOf returns the live whose folder contains a recording.
func liveOf(rec record.Recording) (domain.LiveID, error) {
	n, err := strconv.ParseInt(rec.Folder, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("broadcasts: recording folder %q is not a live id", rec.Folder)
	}
	return domain.LiveID(n), nil
}
