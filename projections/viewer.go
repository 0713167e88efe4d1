package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/sqltemplate"
)

// Viewers projects the viewers of lives, and the number of present viewers of each live.
var Viewers = Projection{
	Name: "viewers", Version: 2, // version 1 in tables without viewer_ban and publish_key, see migration 10
	Tables:   []string{"viewer", "live_online"},
	Handlers: []Handler{on(foldViewerJoined), on(foldViewerMoved), on(foldViewerLeft)},
	Write:    writes(writeViewers),
}

type viewersBatch struct {
	viewers map[ViewerKey]*viewerRow
	online  map[domain.LiveID]int64
}

// viewerRow is the combined effect of the events of a batch on one viewer.
type viewerRow struct {
	joinedFirst   bool  // whether the first event of the batch is a join
	present       bool  // whether the viewer is present after the newest event
	first, joined int64 // positions of the first and the newest join in the batch; 0 if there is none
	joinedAt      time.Time
	node          string
	leftAt        *time.Time
	cause         domain.LeaveCause
}

// viewer returns the row of a viewer. present reports whether the viewer must be present before the event. If an
// earlier event of the batch contradicts this, viewer panics. If events before the batch contradict it, the
// statements fail.
func (b *viewersBatch) viewer(l domain.LiveID, u domain.UserID, present bool) *viewerRow {
	v := b.viewers[ViewerKey{l, u}]
	if v == nil {
		v = &viewerRow{joinedFirst: !present, present: present}
		set(&b.viewers, ViewerKey{l, u}, v)
	}
	if v.present != present {
		panic(fmt.Sprintf("viewer %d of live %d: present is %v", u, l, v.present))
	}
	return v
}

func foldViewerJoined(b *viewersBatch, r eventstore.Record, e domain.ViewerJoined) {
	v := b.viewer(e.Live, e.User, false)
	if v.first == 0 {
		v.first = r.Position
	}
	v.present, v.joined, v.joinedAt, v.node, v.leftAt, v.cause = true, r.Position, r.RecordedAt, e.Node, nil, ""
	add(&b.online, e.Live, 1)
}

func foldViewerMoved(b *viewersBatch, _ eventstore.Record, e domain.ViewerMoved) {
	b.viewer(e.Live, e.User, true).node = e.Node
}

func foldViewerLeft(b *viewersBatch, r eventstore.Record, e domain.ViewerLeft) {
	v := b.viewer(e.Live, e.User, true)
	v.present, v.node, v.leftAt, v.cause = false, "", &r.RecordedAt, e.Cause
	add(&b.online, e.Live, -1)
}

// viewerColumns contains the columns of both statements.
type viewerColumns struct {
	live, user, first, joined []int64
	node, cause               []string
	joinedAt                  []time.Time
	leftAt                    []*time.Time
}

func (c *viewerColumns) add(key ViewerKey, v *viewerRow) {
	c.live, c.user = append(c.live, int64(key.Live)), append(c.user, int64(key.User))
	c.first, c.joined, c.joinedAt = append(c.first, v.first), append(c.joined, v.joined), append(c.joinedAt, v.joinedAt)
	c.node, c.cause, c.leftAt = append(c.node, v.node), append(c.cause, string(v.cause)), append(c.leftAt, v.leftAt)
}

func writeViewers(b *viewersBatch, tables *pgx.Batch) {
	var joined, stayed viewerColumns
	for key, v := range b.viewers {
		if v.joinedFirst {
			joined.add(key, v)
		} else {
			stayed.add(key, v)
		}
	}
	if n := len(joined.live); n > 0 {
		expect(n, tables.Queue(upsertViewer, joined.live, joined.user, joined.node, joined.first, joined.joined, joined.joinedAt, joined.leftAt, joined.cause))
	}
	if n := len(stayed.live); n > 0 {
		expect(n, tables.Queue(updateViewer, stayed.live, stayed.user, stayed.node, stayed.joined, stayed.joinedAt, stayed.leftAt, stayed.cause))
	}
	if len(b.online) > 0 {
		live, online := columns(b.online)
		tables.Queue(addLiveOnline, live, online)
	}
}

// LookCounts projects the number of different users who ever joined each live.
var LookCounts = Projection{
	Name: "look_counts", Version: 1, Tables: []string{"look_count"},
	Handlers: []Handler{on(foldFirstVisit)},
	Write:    writes(writeLookCounts),
}

type lookCountsBatch struct {
	viewers map[domain.LiveID]int64
}

func foldFirstVisit(b *lookCountsBatch, _ eventstore.Record, e domain.ViewerJoined) {
	if e.FirstVisit {
		add(&b.viewers, e.Live, 1)
	}
}

func writeLookCounts(b *lookCountsBatch, tables *pgx.Batch) {
	if len(b.viewers) > 0 {
		live, viewers := columns(b.viewers)
		tables.Queue(addLookCount, live, viewers)
	}
}

// ViewerKey identifies a viewer of a live.
type ViewerKey struct {
	Live domain.LiveID
	User domain.UserID
}

// Viewer is a user who is or was in a live.
type Viewer struct {
	Profile
	Live          domain.LiveID
	Present       bool
	Node          string // the node that holds the connection, if the viewer is present
	FirstPosition int64  // position of the viewer's first join; orders the list
	JoinedAt      time.Time
	LeftAt        time.Time // time at which the viewer left; zero if the viewer is present
	Cause         domain.LeaveCause
}

// ViewerFilter selects viewers of a live, or the lives of a user: Live or User is required. Other fields with the zero
// value select all. The window applies to FirstPosition.
type ViewerFilter struct {
	Live    domain.LiveID
	User    domain.UserID
	Present bool // whether to select only present viewers
	Window
}

// Viewers returns a page of the present viewers of a live.
func (q *Queries) Viewers(ctx context.Context, f ViewerFilter) ([]Viewer, error) {
	sql := selectViewers.With(sqltemplate.Options{"live": f.Live != 0, "user": f.User != 0, "present": f.Present, "oldest_first": f.OldestFirst})
	after, before, limit := f.bounds()
	return many(ctx, q, "viewers", scanViewer, sql, pgx.NamedArgs{"live": f.Live, "user": f.User, "after": after, "before": before, "limit": limit})
}

func scanViewer(row pgx.CollectableRow) (v Viewer, err error) {
	var leftAt *time.Time
	err = row.Scan(&v.ID, &v.Username, &v.Nickname, &v.Avatar,
		&v.Live, &v.Present, &v.Node, &v.FirstPosition, &v.JoinedAt, &leftAt, &v.Cause)
	v.JoinedAt = v.JoinedAt.UTC()
	if leftAt != nil {
		v.LeftAt = leftAt.UTC()
	}
	return v, err
}

// PresentViewer is a viewer who is present in a live.
type PresentViewer struct {
	Profile
	JoinedPosition int64 // position of the viewer's newest join
}

// PresentViewers returns up to limit present viewers of a live whose newest join is before the position before, newest
// first.
func (q *Queries) PresentViewers(ctx context.Context, live domain.LiveID, before int64, limit int) ([]PresentViewer, error) {
	return many(ctx, q, "present viewers", scanPresentViewer, selectPresentViewers, live, limit, before)
}

func scanPresentViewer(row pgx.CollectableRow) (p PresentViewer, err error) {
	err = row.Scan(&p.ID, &p.Username, &p.Nickname, &p.Avatar, &p.JoinedPosition)
	return p, err
}

// NodeViewers returns up to limit present viewers whose connections a node holds, ordered by live and user. It starts
// with the first viewer after the key after.
func (q *Queries) NodeViewers(ctx context.Context, node string, after ViewerKey, limit int) ([]ViewerKey, error) {
	return many(ctx, q, "viewers of a node", pgx.RowToStructByPos[ViewerKey], selectNodeViewers, node, after.Live, after.User, max(limit, 1))
}

// LivesOf returns, for each of the users, the lives in which the user is present.
func (q *Queries) LivesOf(ctx context.Context, users []domain.UserID) (map[domain.UserID][]domain.LiveID, error) {
	found, err := many(ctx, q, "lives of viewers", pgx.RowToStructByPos[ViewerKey], selectLivesOfViewers, users)
	lives := make(map[domain.UserID][]domain.LiveID)
	for _, k := range found {
		lives[k.User] = append(lives[k.User], k.Live)
	}
	return lives, err
}

// StreamAccess projects who may publish and play the streams of lives without a sign: publish keys, and bans from
// lives.
var StreamAccess = Projection{
	Name: "stream_access", Version: 1, Tables: []string{"viewer_ban", "publish_key"},
	Handlers: []Handler{on(foldViewerBanned), on(foldViewerUnbanned), on(foldPublishKeySet), on(foldPublishKeyRevoked)},
	Write:    writes(writeStreamAccess),
}

// streamAccessBatch holds the newest state of each ban and publish key that a batch has changed; nil for none.
type streamAccessBatch struct {
	bans map[ViewerKey]*int64 // end of each ban in Unix seconds
	keys map[domain.LiveID]*PublishKey
}

// PublishKey is the publish key of a live.
type PublishKey struct {
	Hash  string // lower-case hexadecimal SHA-256 of the key
	SetAt time.Time
}

func foldViewerBanned(b *streamAccessBatch, _ eventstore.Record, e domain.ViewerBanned) {
	set(&b.bans, ViewerKey{e.Live, e.User}, &e.Until)
}

func foldViewerUnbanned(b *streamAccessBatch, _ eventstore.Record, e domain.ViewerUnbanned) {
	set(&b.bans, ViewerKey{e.Live, e.User}, nil)
}

func foldPublishKeySet(b *streamAccessBatch, r eventstore.Record, e domain.PublishKeySet) {
	set(&b.keys, e.Live, &PublishKey{e.Hash, r.RecordedAt})
}

func foldPublishKeyRevoked(b *streamAccessBatch, _ eventstore.Record, e domain.PublishKeyRevoked) {
	set(&b.keys, e.Live, nil)
}

func writeStreamAccess(b *streamAccessBatch, tables *pgx.Batch) {
	var banned, unbanned struct{ live, user, until []int64 }
	for viewer, until := range b.bans {
		to := &unbanned
		if until != nil {
			to = &banned
			to.until = append(to.until, *until)
		}
		to.live, to.user = append(to.live, int64(viewer.Live)), append(to.user, int64(viewer.User))
	}
	if len(banned.live) > 0 {
		tables.Queue(upsertViewerBan, banned.live, banned.user, banned.until)
	}
	if len(unbanned.live) > 0 {
		tables.Queue(deleteViewerBan, unbanned.live, unbanned.user)
	}
	var with, without []int64
	var hash []string
	var at []time.Time
	for live, key := range b.keys {
		if key == nil {
			without = append(without, int64(live))
			continue
		}
		with, hash, at = append(with, int64(live)), append(hash, key.Hash), append(at, key.SetAt)
	}
	if len(with) > 0 {
		tables.Queue(upsertPublishKey, with, hash, at)
	}
	if len(without) > 0 {
		tables.Queue(deletePublishKey, without)
	}
}

// PublishKey returns the publish key of a live, or ErrNotFound.
func (q *Queries) PublishKey(ctx context.Context, live domain.LiveID) (PublishKey, error) {
	return one(ctx, q, "publish key", pgx.RowToStructByPos[PublishKey], selectPublishKey, live)
}

// FirstBroadcast returns the time at which the first broadcast of a live began, or ErrNotFound.
func (q *Queries) FirstBroadcast(ctx context.Context, live domain.LiveID) (time.Time, error) {
	return one(ctx, q, "first broadcast", pgx.RowTo[time.Time], selectFirstBroadcast, live)
}
