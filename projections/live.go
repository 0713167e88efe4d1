package projections

import (
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

// Lives is the rooms and where they stand.
var Lives = Projection{
	Name: "lives", Version: 1, Tables: []string{"live"},
	Handlers: []Handler{on(foldLiveCreated), on(foldLiveStatus), on(foldLiveRecord), on(foldLiveForgotten)},
	Write:    writes(writeLives),
}

type livesBatch struct {
	id, user          []int64
	title, cover, key []string
	at                []time.Time
	status            map[domain.LiveID]statusRow
	record            map[domain.LiveID]domain.RecordChoice
	forgotten         []int64
}

type statusRow struct {
	status domain.Status
	at     time.Time
}

func foldLiveCreated(b *livesBatch, r eventstore.Record, e domain.LiveCreated) {
	b.id, b.user = append(b.id, int64(e.Live)), append(b.user, int64(e.Streamer))
	b.title, b.cover, b.key = append(b.title, e.Title), append(b.cover, e.Cover), append(b.key, e.StreamKey)
	b.at = append(b.at, r.RecordedAt)
}

func foldLiveStatus(b *livesBatch, r eventstore.Record, e domain.LiveStatusChanged) {
	set(&b.status, e.Live, statusRow{e.To, r.RecordedAt})
}

func foldLiveRecord(b *livesBatch, _ eventstore.Record, e domain.LiveRecordingSet) {
	set(&b.record, e.Live, e.Record)
}

func foldLiveForgotten(b *livesBatch, _ eventstore.Record, e domain.UserForgotten) {
	b.forgotten = append(b.forgotten, int64(e.User))
}

func writeLives(b *livesBatch, tables *pgx.Batch) {
	if len(b.id) > 0 {
		tables.Queue(insertLive, b.id, b.user, b.title, b.cover, b.key, b.at)
	}
	if len(b.status) > 0 {
		var id []int64
		var status []int32
		var at []time.Time
		for live, s := range b.status {
			id, status, at = append(id, int64(live)), append(status, int32(s.status)), append(at, s.at)
		}
		expect(len(id), tables.Queue(updateLiveStatus, id, status, at))
	}
	if len(b.record) > 0 {
		var id []int64
		var record []string
		for live, choice := range b.record {
			id, record = append(id, int64(live)), append(record, string(choice))
		}
		expect(len(id), tables.Queue(updateLiveRecord, id, record))
	}
	if len(b.forgotten) > 0 {
		tables.Queue(eraseLive, b.forgotten)
	}
}
