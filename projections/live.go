package projections

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/sqltemplate"
)

// Lives projects lives and their status.
var Lives = Projection{
	Name: "lives", Version: 1, Tables: []string{"live"},
	Handlers: []Handler{on(foldLiveCreated), on(foldLiveStatus), on(foldLiveRecord), on(foldLiveForgotten)},
	Write:    writes(writeLives),
}

type livesBatch struct {
	id, user                []int64
	title, cover, streamKey []string
	at                      []time.Time
	status                  map[domain.LiveID]statusRow
	record                  map[domain.LiveID]domain.RecordChoice
	forgotten               []int64
}

type statusRow struct {
	status domain.Status
	at     time.Time
}

func foldLiveCreated(b *livesBatch, r eventstore.Record, e domain.LiveCreated) {
	b.id, b.user = append(b.id, int64(e.Live)), append(b.user, int64(e.Streamer))
	b.title, b.cover, b.streamKey = append(b.title, e.Title), append(b.cover, e.Cover), append(b.streamKey, e.StreamKey)
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
		tables.Queue(insertLive, b.id, b.user, b.title, b.cover, b.streamKey, b.at)
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

// Live is a row of table live: a live with its owner, status and totals.
type Live struct {
	ID          domain.LiveID
	UserID      domain.UserID // the owner of the live
	Owner       Profile
	OwnerStatus domain.UserStatus // status of the owner, which decides whether the owner may broadcast
	Title       string
	Cover       string
	StreamKey   string // stream key; publishing and playing also need a sign
	Status      domain.Status
	Online      int64 // number of present viewers
	LookCount   int64 // number of different users who ever joined
	Coin        int64 // number of coins that the live received
	CreatedAt   time.Time
	UpdatedAt   time.Time           // time of the last change of the status
	Record      domain.RecordChoice // whether the owner has turned recordings on or off
	Access      domain.AccessKind   // who may be in the live
	Price       domain.Coins        // price of a ticket; 0 unless the access is paid
	MinAge      int                 // age in years that viewers need; 0: none
	Broadcast   Broadcast           // current broadcast; its ID is "" if there is none
}

func scanLive(row pgx.CollectableRow) (l Live, err error) {
	var broadcast, node, video, audio *string
	var width, height *int
	var startedAt *time.Time
	var bannedUntil *int64
	err = row.Scan(&l.ID, &l.UserID, &l.Owner.Username, &l.Owner.Nickname, &l.Owner.Avatar,
		&l.OwnerStatus.Exists, &l.OwnerStatus.Disabled, &l.OwnerStatus.Forgotten, &bannedUntil, &l.Title, &l.Cover, &l.StreamKey, &l.Status,
		&l.Online, &l.LookCount, &l.Coin, &l.CreatedAt, &l.UpdatedAt, &broadcast, &node, &video, &width, &height, &audio, &startedAt, &l.Record, &l.Access, &l.Price, &l.MinAge)
	l.OwnerStatus.Ban = banOf(l.UserID, bannedUntil)
	l.Owner.ID, l.CreatedAt, l.UpdatedAt = l.UserID, l.CreatedAt.UTC(), l.UpdatedAt.UTC()
	if err == nil && broadcast != nil {
		l.Broadcast = Broadcast{ID: domain.BroadcastID(*broadcast), Live: l.ID, StreamKey: l.StreamKey, Node: *node, StartedAt: startedAt.UTC(),
			Media: domain.MediaInfo{Video: *video, Width: *width, Height: *height, Audio: *audio}}
	}
	return l, err
}

// Restricted reports whether not everybody may be in the live.
func (l Live) Restricted() bool { return l.Access.Restricted() || l.MinAge > 0 }

// Live returns a live, or ErrNotFound.
func (q *Queries) Live(ctx context.Context, id domain.LiveID) (Live, error) {
	return one(ctx, q, "live", scanLive, selectLive.With(sqltemplate.Options{"id": true}), id)
}

// LiveByStreamKey returns the live with a stream key, or ErrNotFound.
func (q *Queries) LiveByStreamKey(ctx context.Context, key string) (Live, error) {
	return one(ctx, q, "live by stream key", scanLive, selectLive.With(sqltemplate.Options{"stream_key": true}), key)
}

// LivesByStreamKeys returns the lives that have one of the stream keys.
func (q *Queries) LivesByStreamKeys(ctx context.Context, keys []string) ([]Live, error) {
	return many(ctx, q, "lives by stream key", scanLive, selectLive.With(sqltemplate.Options{"stream_keys": true}), keys)
}

// Lives returns a page of the lives that lists contain, newest first. The first page is 1. Ids have no gaps, so the first
// live of a page follows from the number of newer lives that lists do not contain. A binary search finds it, so the
// millionth page costs about as much as the second.
func (q *Queries) Lives(ctx context.Context, page, size int) ([]Live, error) {
	size = pageSize(size)
	if page < 1 || page > lastPage {
		return nil, nil
	}
	skip := int64(page-1) * int64(size)
	before, err := q.newerLives(ctx, skip)
	if err != nil {
		return nil, err
	}
	return many(ctx, q, "lives", scanLive, selectLive.With(sqltemplate.Options{"page": true}), before, int64(size))
}

// newerLives returns the smallest n such that lists contain at least listed of the newest n lives.
func (q *Queries) newerLives(ctx context.Context, listed int64) (int64, error) {
	if listed == 0 {
		return 0, nil
	}
	hidden := func(newest int64) (int64, error) {
		return one(ctx, q, "number of hidden lives", pgx.RowTo[int64], countHiddenLives, newest)
	}
	all, err := hidden(math.MaxInt32)
	if err != nil {
		return 0, err
	}
	least, most := listed, listed+all // among most, at least the listed ones are not hidden
	for least < most {
		middle := least + (most-least)/2
		among, err := hidden(middle)
		switch {
		case err != nil:
			return 0, err
		case middle-among >= listed:
			most = middle
		default:
			least = middle + 1
		}
	}
	return least, nil
}

// LivesOnAir returns at most limit of the newest lives that are on air or paused, newest first.
func (q *Queries) LivesOnAir(ctx context.Context, limit int) ([]Live, error) {
	return many(ctx, q, "lives on air", scanLive, selectLive.With(nil), pageSize(limit))
}

// LivesStreaming returns at most limit of the newest lives that are on air or paused and have a broadcast, newest first.
func (q *Queries) LivesStreaming(ctx context.Context, limit int) ([]Live, error) {
	return many(ctx, q, "lives with a broadcast", scanLive, selectLive.With(sqltemplate.Options{"streaming": true}), pageSize(limit))
}

// PastWindow is the number of ids that LivesPast looks at.
const PastWindow = 500

// LivesPast returns lives that have ended and have a recording, newest first: at most limit, with ids less than before. It looks
// at PastWindow ids only: an empty result does not mean that there are no older lives.
func (q *Queries) LivesPast(ctx context.Context, before domain.LiveID, limit int) ([]Live, error) {
	return many(ctx, q, "past lives", scanLive, selectLive.With(sqltemplate.Options{"past": true}), before, pageSize(limit))
}

// LivesBy returns at most limit lives of an owner with ids below before, newest first.
func (q *Queries) LivesBy(ctx context.Context, owner domain.UserID, before domain.LiveID, limit int) ([]Live, error) {
	return many(ctx, q, "lives of an owner", scanLive, selectLive.With(sqltemplate.Options{"owner": true}), owner, before, pageSize(limit))
}

// NewestLive returns the largest id of a live, 0 if there is none.
func (q *Queries) NewestLive(ctx context.Context) (domain.LiveID, error) {
	return one(ctx, q, "the newest live", pgx.RowTo[domain.LiveID], selectNewestLive)
}

// LivesOnAirOf returns at most limit of the oldest lives of a streamer that are on air or paused.
func (q *Queries) LivesOnAirOf(ctx context.Context, streamer domain.UserID, limit int) ([]domain.LiveID, error) {
	return many(ctx, q, "lives on air", pgx.RowTo[domain.LiveID], selectLivesOnAir, streamer, pageSize(limit))
}

const (
	endBatch    = 100 // maximum number of lives that one command ends
	endAttempts = 100
)

// EndLives calls end with the lives of a streamer that are on air or paused. It repeats this until the tables contain
// no such live. end must execute a command that bans or disables the streamer and ends these lives, and must return
// when the tables contain the result.
func (q *Queries) EndLives(ctx context.Context, streamer domain.UserID, end func([]domain.LiveID) error) error {
	for range endAttempts {
		lives, err := q.LivesOnAirOf(ctx, streamer, endBatch)
		if err != nil {
			return err
		}
		if err := end(lives); err != nil {
			return err
		}
		// A live may have started since the query. Afterwards no live can start, because the streamer may not start
		// lives any more.
		left, err := q.LivesOnAirOf(ctx, streamer, 1)
		if err != nil || len(left) == 0 {
			return err
		}
	}
	return fmt.Errorf("lives of user %d are still on air", streamer)
}

// MaxGauges is the maximum number of lives in one call of Queries.Gauges.
const MaxGauges = 1000

// Gauges are the current counters of a live. A subscriber receives only the newest gauges; earlier ones are never sent
// again.
type Gauges struct {
	Live      domain.LiveID
	Position  int64 // position of the tables when the gauges were read
	Online    int64 // number of present viewers
	LookCount int64 // number of different users who ever joined
	Coins     int64 // number of coins that the live received
}

// Gauges returns the gauges of up to MaxGauges lives. All belong to the same position.
func (q *Queries) Gauges(ctx context.Context, ids []domain.LiveID) ([]Gauges, error) {
	if len(ids) > MaxGauges {
		return nil, fmt.Errorf("read gauges: %d lives are more than %d", len(ids), MaxGauges)
	}
	wanted := make([]int64, len(ids))
	for i, id := range ids {
		wanted[i] = int64(id)
	}
	return many(ctx, q, "gauges", pgx.RowToStructByPos[Gauges], selectGauges, wanted)
}

// Broadcasts projects the broadcasts of lives.
var Broadcasts = Projection{
	Name: "broadcasts", Version: 1, Tables: []string{"broadcast"},
	Handlers: []Handler{on(foldBroadcastStarted), on(foldBroadcastStopped)},
	Write:    writes(writeBroadcasts),
}

// broadcastsBatch holds the broadcasts that start in the batch, and the ends of broadcasts that started in earlier
// batches. A broadcast that also ends in the batch contains its end.
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

// Broadcast is the running broadcast of a live, from table broadcast.
type Broadcast struct {
	ID        domain.BroadcastID
	Live      domain.LiveID
	StreamKey string
	Node      string // the node that receives the broadcast
	Media     domain.MediaInfo
	StartedAt time.Time
}

// Broadcasts returns up to limit running broadcasts, ordered by live. It starts with the first live whose id is larger
// than after.
func (q *Queries) Broadcasts(ctx context.Context, after domain.LiveID, limit int) ([]Broadcast, error) {
	return many(ctx, q, "broadcasts", func(row pgx.CollectableRow) (b Broadcast, err error) {
		err = row.Scan(&b.ID, &b.Live, &b.StreamKey, &b.Node, &b.Media.Video, &b.Media.Width, &b.Media.Height, &b.Media.Audio, &b.StartedAt)
		b.StartedAt = b.StartedAt.UTC()
		return b, err
	}, selectBroadcasts, after, pageSize(limit))
}
