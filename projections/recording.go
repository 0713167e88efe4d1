package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

// Recordings is what was recorded of the streams of rooms. One that was deleted keeps its row, so that whoever
// has files of it learns that they are to go.
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
	id, reason, parts []string
	began, ended      []time.Time
	length, bytes     []int64
}

func foldRecordingStarted(b *recordingsBatch, r eventstore.Record, e domain.RecordingStarted) {
	b.started.id, b.started.live = append(b.started.id, string(e.Recording)), append(b.started.live, int64(e.Live))
	b.started.user, b.started.at = append(b.started.user, int64(e.Streamer)), append(b.started.at, r.RecordedAt)
}

func foldRecordingFinished(b *recordingsBatch, _ eventstore.Record, e domain.RecordingFinished) {
	parts, _ := json.Marshal(e.Parts) // numbers, times and printable texts
	f := &b.finished
	f.id, f.reason, f.parts = append(f.id, string(e.Recording)), append(f.reason, string(e.Cause)), append(f.parts, string(parts))
	f.began, f.ended = append(f.began, e.StartedAt), append(f.ended, e.EndedAt)
	f.length, f.bytes = append(f.length, e.DurationMS), append(f.bytes, e.Bytes)
}

func foldRecordingDeleted(b *recordingsBatch, r eventstore.Record, e domain.RecordingDeleted) {
	b.deleted.id, b.deleted.at = append(b.deleted.id, string(e.Recording)), append(b.deleted.at, r.RecordedAt)
}

// writeRecordings follows the life of a recording, of which a batch may have all.
func writeRecordings(b *recordingsBatch, tables *pgx.Batch) {
	if s := b.started; len(s.id) > 0 {
		tables.Queue(insertRecording, s.id, s.live, s.user, s.at)
	}
	if f := b.finished; len(f.id) > 0 {
		expect(len(f.id), tables.Queue(updateRecordingFinished, f.id, f.reason, f.began, f.ended, f.length, f.bytes, f.parts))
	}
	if d := b.deleted; len(d.id) > 0 {
		expect(len(d.id), tables.Queue(updateRecordingDeleted, d.id, d.at))
	}
}

// Recording is what was recorded of a stream.
type Recording struct {
	ID        domain.RecordingID
	Live      domain.LiveID
	StreamKey string // the room's stream key
	StartedAt time.Time
	EndedAt   time.Time     // zero while it is being written
	Cause     string        // why it has ended
	Duration  time.Duration // of what there is to see
	Bytes     int64
	Parts     []domain.RecordingPart
}

// Recordings answers a page of the recordings of a room, newest first; pages count from 1. While its
// owner is locked out there are none.
func (q *Queries) Recordings(ctx context.Context, live domain.LiveID, page, size int) ([]Recording, error) {
	size = min(max(size, 1), maxPage)
	if page < 1 || page > lastPage {
		return nil, nil
	}
	return many(ctx, q, "recordings", scanRecording, selectRecordings+` AND r.live_id = $1 ORDER BY r.started_at DESC, r.id LIMIT $2 OFFSET $3`,
		live, size, int64(page-1)*int64(size))
}

// Recording answers one that was not deleted, and whose owner is not locked out, or ErrNotFound.
func (q *Queries) Recording(ctx context.Context, id domain.RecordingID) (Recording, error) {
	return one(ctx, q, "recording", scanRecording, selectRecordings+` AND r.id = $1`, id)
}

// DeletedRecordings answers which of some recordings were deleted, or are of people who were forgotten. Those
// that the tables do not know are not among them.
func (q *Queries) DeletedRecordings(ctx context.Context, ids []string) ([]string, error) {
	return many(ctx, q, "deleted recordings", pgx.RowTo[string], selectRecordingsDeleted, ids)
}

func scanRecording(row pgx.CollectableRow) (r Recording, err error) {
	var ended *time.Time
	var reason *string
	var length int64
	var parts []byte
	if err := row.Scan(&r.ID, &r.Live, &r.StreamKey, &r.StartedAt, &ended, &reason, &length, &r.Bytes, &parts); err != nil {
		return r, err
	}
	r.StartedAt, r.Duration = r.StartedAt.UTC(), time.Duration(length)*time.Millisecond
	if ended != nil {
		r.EndedAt, r.Cause = ended.UTC(), *reason
	}
	if err := json.Unmarshal(parts, &r.Parts); err != nil {
		return r, fmt.Errorf("the files of recording %s: %w", r.ID, err)
	}
	return r, nil
}
