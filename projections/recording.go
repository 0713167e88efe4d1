package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/sqltemplate"
)

// Recordings projects the recordings of broadcasts. The row of a deleted recording is kept, so that every node can find
// out that it must delete the files.
var Recordings = Projection{
	Name: "recordings", Version: 1, Tables: []string{"recording"},
	Handlers: []Handler{on(foldRecordingStarted), on(foldRecordingFinished), on(foldRecordingDeleted)},
	Write:    writes(writeRecordings),
}

type recordingsBatch struct {
	started  recordingRows
	finished finishedRows
	deleted  recordingRows
}

type recordingRows struct {
	id         []string
	live, user []int64
	at         []time.Time
}

type finishedRows struct {
	id, cause, parts   []string
	startedAt, endedAt []time.Time
	duration, bytes    []int64
}

func foldRecordingStarted(b *recordingsBatch, r eventstore.Record, e domain.RecordingStarted) {
	b.started.id, b.started.live = append(b.started.id, string(e.Recording)), append(b.started.live, int64(e.Live))
	b.started.user, b.started.at = append(b.started.user, int64(e.Streamer)), append(b.started.at, r.RecordedAt)
}

func foldRecordingFinished(b *recordingsBatch, _ eventstore.Record, e domain.RecordingFinished) {
	parts, _ := json.Marshal(e.Parts) // cannot fail: the parts contain only numbers, times and printable strings
	f := &b.finished
	f.id, f.cause, f.parts = append(f.id, string(e.Recording)), append(f.cause, string(e.Cause)), append(f.parts, string(parts))
	f.startedAt, f.endedAt = append(f.startedAt, e.StartedAt), append(f.endedAt, e.EndedAt)
	f.duration, f.bytes = append(f.duration, e.DurationMS), append(f.bytes, e.Bytes)
}

func foldRecordingDeleted(b *recordingsBatch, r eventstore.Record, e domain.RecordingDeleted) {
	b.deleted.id, b.deleted.at = append(b.deleted.id, string(e.Recording)), append(b.deleted.at, r.RecordedAt)
}

// writeRecordings writes starts, then ends, then deletions, because one batch may contain all three for the same
// recording.
func writeRecordings(b *recordingsBatch, tables *pgx.Batch) {
	if s := b.started; len(s.id) > 0 {
		tables.Queue(insertRecording, s.id, s.live, s.user, s.at)
	}
	if f := b.finished; len(f.id) > 0 {
		expect(len(f.id), tables.Queue(updateRecordingFinished, f.id, f.cause, f.startedAt, f.endedAt, f.duration, f.bytes, f.parts))
	}
	if d := b.deleted; len(d.id) > 0 {
		expect(len(d.id), tables.Queue(updateRecordingDeleted, d.id, d.at))
	}
}

// Recording is the row of a recording of a broadcast.
type Recording struct {
	ID        domain.RecordingID
	Live      domain.LiveID
	StreamKey string // stream key of the live
	StartedAt time.Time
	EndedAt   time.Time     // time of the end; zero while the recording is being written
	Cause     string        // why the recording ended; "" while it is being written
	Duration  time.Duration // duration of the playable part
	Bytes     int64
	Parts     []domain.RecordingPart
}

// Recordings returns a page with the recordings of a live, newest first. The first page is 1. It returns none while the
// owner is disabled.
func (q *Queries) Recordings(ctx context.Context, live domain.LiveID, page, size int) ([]Recording, error) {
	size = pageSize(size)
	if page < 1 || page > lastPage {
		return nil, nil
	}
	return many(ctx, q, "recordings", scanRecording, selectRecordings.With(nil), live, size, int64(page-1)*int64(size))
}

// Recorded reports whether a live has a finished recording with parts. It reports false while the owner is disabled.
func (q *Queries) Recorded(ctx context.Context, live domain.LiveID) (bool, error) {
	return one(ctx, q, "recorded live", pgx.RowTo[bool], selectLiveRecorded, live)
}

// Recording returns a recording. It returns ErrNotFound if the recording does not exist or was deleted, or if its owner
// is disabled or forgotten.
func (q *Queries) Recording(ctx context.Context, id domain.RecordingID) (Recording, error) {
	return one(ctx, q, "recording", scanRecording, selectRecordings.With(sqltemplate.Options{"id": true}), id)
}

// DeletedRecordings returns the ids of recordings that were deleted or belong to forgotten users. It leaves out
// recordings that are not in the tables. ids selects the recordings.
func (q *Queries) DeletedRecordings(ctx context.Context, ids []string) ([]string, error) {
	return many(ctx, q, "deleted recordings", pgx.RowTo[string], selectRecordingsDeleted, ids)
}

func scanRecording(row pgx.CollectableRow) (r Recording, err error) {
	var endedAt *time.Time
	var cause *string
	var duration int64
	var parts []byte
	if err := row.Scan(&r.ID, &r.Live, &r.StreamKey, &r.StartedAt, &endedAt, &cause, &duration, &r.Bytes, &parts); err != nil {
		return r, err
	}
	r.StartedAt, r.Duration = r.StartedAt.UTC(), time.Duration(duration)*time.Millisecond
	if endedAt != nil {
		r.EndedAt, r.Cause = endedAt.UTC(), *cause
	}
	if err := json.Unmarshal(parts, &r.Parts); err != nil {
		return r, fmt.Errorf("the parts of recording %s: %w", r.ID, err)
	}
	return r, nil
}

// Restreams projects the targets to which the broadcasts of lives are pushed on. The end of a live deletes its targets,
// and so does forgetting its owner.
var Restreams = Projection{
	Name: "restreams", Version: 1, Tables: []string{"restream"},
	Handlers: []Handler{on(foldRestreamSet), on(foldRestreamRemoved), on(foldRestreamsEnded), on(foldRestreamsForgotten)},
	Write:    writes(writeRestreams),
}

type restreamKey struct {
	live   domain.LiveID
	target string
}

type restreamsBatch struct {
	targets   map[restreamKey]*restreamRow // the newest state of each target; nil for a removed one
	ended     map[domain.LiveID]bool
	forgotten map[domain.UserID]bool
}

type restreamRow struct {
	owner domain.UserID
	Restream
}

// Restream is a target to which the broadcasts of a live are pushed on.
type Restream struct {
	Target string // name of the target in the live
	URL    string // URL of the target without the stream key
	Secret string // the stream key, sealed
	SetAt  time.Time
}

func foldRestreamSet(b *restreamsBatch, r eventstore.Record, e domain.RestreamSet) {
	set(&b.targets, restreamKey{e.Live, e.Target}, &restreamRow{e.Streamer, Restream{e.Target, e.URL, e.Secret, r.RecordedAt}})
}

func foldRestreamRemoved(b *restreamsBatch, _ eventstore.Record, e domain.RestreamRemoved) {
	set(&b.targets, restreamKey{e.Live, e.Target}, nil)
}

// foldRestreamsEnded handles the end of a live, after which nobody can set targets.
func foldRestreamsEnded(b *restreamsBatch, _ eventstore.Record, e domain.LiveStatusChanged) {
	if e.To == domain.StatusEnded {
		set(&b.ended, e.Live, true)
	}
}

func foldRestreamsForgotten(b *restreamsBatch, _ eventstore.Record, e domain.UserForgotten) {
	set(&b.forgotten, e.User, true)
}

// writeRestreams deletes the targets of ended lives and forgotten users last, because nobody sets such targets later.
func writeRestreams(b *restreamsBatch, tables *pgx.Batch) {
	var live, owner, goneLive []int64
	var target, url, secret, goneTarget []string
	var at []time.Time
	for key, row := range b.targets {
		if row == nil {
			goneLive, goneTarget = append(goneLive, int64(key.live)), append(goneTarget, key.target)
			continue
		}
		live, target, owner = append(live, int64(key.live)), append(target, key.target), append(owner, int64(row.owner))
		url, secret, at = append(url, row.URL), append(secret, row.Secret), append(at, row.SetAt)
	}
	if len(live) > 0 {
		tables.Queue(upsertRestream, live, target, owner, url, secret, at)
	}
	if len(goneLive) > 0 {
		tables.Queue(deleteRestream, goneLive, goneTarget)
	}
	if len(b.ended) > 0 {
		tables.Queue(deleteRestreamsOfLives, slices.Collect(maps.Keys(b.ended)))
	}
	if len(b.forgotten) > 0 {
		tables.Queue(deleteRestreamsOfUsers, slices.Collect(maps.Keys(b.forgotten)))
	}
}

// Restreams returns the restream targets of a live, ordered by name.
func (q *Queries) Restreams(ctx context.Context, live domain.LiveID) ([]Restream, error) {
	return many(ctx, q, "restream targets", pgx.RowToStructByPos[Restream], selectRestreams, live)
}
