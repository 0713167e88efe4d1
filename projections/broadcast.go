package projections

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

// Broadcasts is the streams of rooms.
var Broadcasts = Projection{
	Name: "broadcasts", Version: 1, Tables: []string{"broadcast"},
	Handlers: []Handler{on(foldPublishStarted), on(foldPublishStopped)},
	Write:    writes(writeShows),
}

// showsBatch holds the streams that began, with their ends if they have come, and the ends of earlier ones.
type showsBatch struct {
	began map[domain.BroadcastID]*showRow
	order []domain.BroadcastID
	ended map[domain.BroadcastID]endRow
}

type showRow struct {
	domain.BroadcastStarted
	at  time.Time
	end *endRow
}

type endRow struct {
	domain.BroadcastStopped
	at time.Time
}

func foldPublishStarted(b *showsBatch, r eventstore.Record, e domain.BroadcastStarted) {
	set(&b.began, e.Broadcast, &showRow{e, r.RecordedAt, nil})
	b.order = append(b.order, e.Broadcast)
}

func foldPublishStopped(b *showsBatch, r eventstore.Record, e domain.BroadcastStopped) {
	end := endRow{e, r.RecordedAt}
	if s := b.began[e.Broadcast]; s != nil {
		s.end = &end
		return
	}
	set(&b.ended, e.Broadcast, end)
}

// writeShows writes the ends of earlier streams first: a room has one at a time.
func writeShows(b *showsBatch, tables *pgx.Batch) {
	if len(b.ended) > 0 {
		var id, reason []string
		var at []time.Time
		var bytes []int64
		for show, end := range b.ended {
			id, reason = append(id, string(show)), append(reason, string(end.Cause))
			at, bytes = append(at, end.at), append(bytes, end.Bytes)
		}
		expect(len(id), tables.Queue(updateBroadcast, id, at, reason, bytes))
	}
	if len(b.order) > 0 {
		b.queueBegan(tables)
	}
}

func (b *showsBatch) queueBegan(tables *pgx.Batch) {
	var id, process, video, audio []string
	var live, bytes []int64
	var width, height []int32
	var started []time.Time
	var stopped []*time.Time
	var reason []*string
	for _, show := range b.order {
		s := b.began[show]
		id, live, process = append(id, string(show)), append(live, int64(s.Live)), append(process, s.Node)
		video, audio = append(video, s.Media.Video), append(audio, s.Media.Audio)
		width, height = append(width, int32(s.Media.Width)), append(height, int32(s.Media.Height))
		started = append(started, s.at)
		if s.end == nil {
			stopped, reason, bytes = append(stopped, nil), append(reason, nil), append(bytes, 0)
			continue
		}
		why := string(s.end.Cause)
		stopped, reason, bytes = append(stopped, &s.end.at), append(reason, &why), append(bytes, s.end.Bytes)
	}
	tables.Queue(insertBroadcast, id, live, process, video, width, height, audio, started, stopped, reason, bytes)
}

// Broadcast is the stream that a room has now.
type Broadcast struct {
	ID        domain.BroadcastID
	Live      domain.LiveID
	StreamKey string // the stream key
	Node      string // the server process that takes it in
	Media     domain.MediaInfo
	StartedAt time.Time
}

// Broadcasts answers up to limit streams that go on now, in order of rooms, behind one of them.
func (q *Queries) Broadcasts(ctx context.Context, after domain.LiveID, limit int) ([]Broadcast, error) {
	return many(ctx, q, "shows", func(row pgx.CollectableRow) (s Broadcast, err error) {
		err = row.Scan(&s.ID, &s.Live, &s.StreamKey, &s.Node, &s.Media.Video, &s.Media.Width, &s.Media.Height, &s.Media.Audio, &s.StartedAt)
		s.StartedAt = s.StartedAt.UTC()
		return s, err
	}, selectBroadcasts, after, min(max(limit, 1), maxPage))
}
