package projections

import (
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

// Viewers is who is or was in which room, and how many are.
var Viewers = Projection{
	Name: "viewers", Version: 1, Tables: []string{"viewer", "live_online"},
	Handlers: []Handler{on(foldJoined), on(foldMoved), on(foldLeft)},
	Write:    writes(writeViewers),
}

type viewersBatch struct {
	visits map[ViewerKey]*visitRow
	online map[domain.LiveID]int64
}

// visitRow is what a batch says of one person in one room.
type visitRow struct {
	came          bool  // its first event in the batch is a join
	present       bool  // after its newest event
	first, joined int64 // of the first and the newest join in the batch; 0: none
	joinedAt      time.Time
	process       string
	leftAt        *time.Time
	cause         domain.LeaveCause
}

// visit answers the row of a person in a room, who has to be there before the event, or has not to be. What
// happened before the batch is checked by the statements.
func (b *viewersBatch) visit(l domain.LiveID, u domain.UserID, present bool) *visitRow {
	v := b.visits[ViewerKey{l, u}]
	if v == nil {
		v = &visitRow{came: !present, present: present}
		set(&b.visits, ViewerKey{l, u}, v)
	}
	if v.present != present {
		panic(fmt.Sprintf("person %d in live %d: present is %v", u, l, v.present))
	}
	return v
}

func foldJoined(b *viewersBatch, r eventstore.Record, e domain.ViewerJoined) {
	v := b.visit(e.Live, e.User, false)
	if v.first == 0 {
		v.first = r.Position
	}
	v.present, v.joined, v.joinedAt, v.process, v.leftAt, v.cause = true, r.Position, r.RecordedAt, e.Node, nil, ""
	add(&b.online, e.Live, 1)
}

func foldMoved(b *viewersBatch, _ eventstore.Record, e domain.ViewerMoved) {
	b.visit(e.Live, e.User, true).process = e.Node
}

func foldLeft(b *viewersBatch, r eventstore.Record, e domain.ViewerLeft) {
	v := b.visit(e.Live, e.User, true)
	v.present, v.process, v.leftAt, v.cause = false, "", &r.RecordedAt, e.Cause
	add(&b.online, e.Live, -1)
}

// viewerColumns are the columns of both statements.
type viewerColumns struct {
	live, user, first, joined []int64
	process, cause            []string
	joinedAt                  []time.Time
	leftAt                    []*time.Time
}

func (c *viewerColumns) add(at ViewerKey, v *visitRow) {
	c.live, c.user = append(c.live, int64(at.Live)), append(c.user, int64(at.User))
	c.first, c.joined, c.joinedAt = append(c.first, v.first), append(c.joined, v.joined), append(c.joinedAt, v.joinedAt)
	c.process, c.cause, c.leftAt = append(c.process, v.process), append(c.cause, string(v.cause)), append(c.leftAt, v.leftAt)
}

func writeViewers(b *viewersBatch, tables *pgx.Batch) {
	var came, stayed viewerColumns
	for at, v := range b.visits {
		if v.came {
			came.add(at, v)
		} else {
			stayed.add(at, v)
		}
	}
	if n := len(came.live); n > 0 {
		expect(n, tables.Queue(upsertViewer, came.live, came.user, came.process, came.first, came.joined, came.joinedAt, came.leftAt, came.cause))
	}
	if n := len(stayed.live); n > 0 {
		expect(n, tables.Queue(updateViewer, stayed.live, stayed.user, stayed.process, stayed.joined, stayed.joinedAt, stayed.leftAt, stayed.cause))
	}
	if len(b.online) > 0 {
		live, online := columns(b.online)
		tables.Queue(addLiveOnline, live, online)
	}
}

// LookCounts is how many different people ever were in each room.
var LookCounts = Projection{
	Name: "look_counts", Version: 1, Tables: []string{"look_count"},
	Handlers: []Handler{on(foldLook)},
	Write:    writes(writeLooks),
}

type looksBatch struct {
	looks map[domain.LiveID]int64
}

func foldLook(b *looksBatch, _ eventstore.Record, e domain.ViewerJoined) {
	if e.FirstVisit {
		add(&b.looks, e.Live, 1)
	}
}

func writeLooks(b *looksBatch, tables *pgx.Batch) {
	if len(b.looks) > 0 {
		live, looks := columns(b.looks)
		tables.Queue(addLookCount, live, looks)
	}
}
