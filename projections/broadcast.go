package projections

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

// Broadcasts projects the broadcasts of lives.
var Broadcasts = Projection{
	Name: "broadcasts", Version: 1, Tables: []string{"broadcast"},
	Handlers: []Handler{on(foldBroadcastStarted), on(foldBroadcastStopped)},
	Write:    writes(writeBroadcasts),
}

// broadcastsBatch holds the broadcasts that start in the batch, with their end if it is in the batch too, and the ends
// of broadcasts that started in earlier batches.
type broadcastsBatch struct {
	started map[domain.BroadcastID]*broadcastRow
	order   []domain.BroadcastID
	stopped map[domain.BroadcastID]stopRow
}

type broadcastRow struct {
	domain.BroadcastStarted
	at   time.Time
	stop *stopRow
}

type stopRow struct {
	domain.BroadcastStopped
	at time.Time
}

func foldBroadcastStarted(b *broadcastsBatch, r eventstore.Record, e domain.BroadcastStarted) {
	set(&b.started, e.Broadcast, &broadcastRow{e, r.RecordedAt, nil})
	b.order = append(b.order, e.Broadcast)
}

func foldBroadcastStopped(b *broadcastsBatch, r eventstore.Record, e domain.BroadcastStopped) {
	stop := stopRow{e, r.RecordedAt}
	if s := b.started[e.Broadcast]; s != nil {
		s.stop = &stop
		return
	}
	set(&b.stopped, e.Broadcast, stop)
}

// writeBroadcasts writes the ends of earlier broadcasts first, because a live has only one broadcast at a time.
func writeBroadcasts(b *broadcastsBatch, tables *pgx.Batch) {
	if len(b.stopped) > 0 {
		var id, cause []string
		var at []time.Time
		var bytes []int64
		for broadcast, stop := range b.stopped {
			id, cause = append(id, string(broadcast)), append(cause, string(stop.Cause))
			at, bytes = append(at, stop.at), append(bytes, stop.Bytes)
		}
		expect(len(id), tables.Queue(updateBroadcast, id, at, cause, bytes))
	}
	if len(b.order) > 0 {
		b.queueStarted(tables)
	}
}

func (b *broadcastsBatch) queueStarted(tables *pgx.Batch) {
	var id, node, video, audio []string
	var live, bytes []int64
	var width, height []int32
	var startedAt []time.Time
	var stoppedAt []*time.Time
	var cause []*string
	for _, broadcast := range b.order {
		s := b.started[broadcast]
		id, live, node = append(id, string(broadcast)), append(live, int64(s.Live)), append(node, s.Node)
		video, audio = append(video, s.Media.Video), append(audio, s.Media.Audio)
		width, height = append(width, int32(s.Media.Width)), append(height, int32(s.Media.Height))
		startedAt = append(startedAt, s.at)
		if s.stop == nil {
			stoppedAt, cause, bytes = append(stoppedAt, nil), append(cause, nil), append(bytes, 0)
			continue
		}
		stopCause := string(s.stop.Cause)
		stoppedAt, cause, bytes = append(stoppedAt, &s.stop.at), append(cause, &stopCause), append(bytes, s.stop.Bytes)
	}
	tables.Queue(insertBroadcast, id, live, node, video, width, height, audio, startedAt, stoppedAt, cause, bytes)
}

// Broadcast is a row of table broadcast: the broadcast of a live that has not ended.
type Broadcast struct {
	ID        domain.BroadcastID
	Live      domain.LiveID
	StreamKey string
	Node      string // the node that receives the broadcast
	Media     domain.MediaInfo
	StartedAt time.Time
}

// Broadcasts returns up to limit current broadcasts, ordered by live. It starts with the first live whose id is larger
// than after.
func (q *Queries) Broadcasts(ctx context.Context, after domain.LiveID, limit int) ([]Broadcast, error) {
	return many(ctx, q, "broadcasts", func(row pgx.CollectableRow) (b Broadcast, err error) {
		err = row.Scan(&b.ID, &b.Live, &b.StreamKey, &b.Node, &b.Media.Video, &b.Media.Width, &b.Media.Height, &b.Media.Audio, &b.StartedAt)
		b.StartedAt = b.StartedAt.UTC()
		return b, err
	}, selectBroadcasts, after, pageSize(limit))
}
