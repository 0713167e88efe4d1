package projections

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
)

// How much of a room a snapshot shows.
const (
	roomRows    = 50 // comments, and gifts
	roomViewers = 100
)

// snapshotTries bounds how often a snapshot is taken again because a rebuild was switched to in the middle.
const snapshotTries = 5

var errSwitched = errors.New("the tables were switched while they were read")

// LiveSnapshot answers a snapshot of a room, or ErrNotFound. All of it is as of its Position: it is read in
// one transaction that sees one state, in one round trip.
func (q *Queries) LiveSnapshot(ctx context.Context, id domain.LiveID) (LiveSnapshot, error) {
	err := errSwitched
	var room LiveSnapshot
	for try := 0; errors.Is(err, errSwitched) && try < snapshotTries; try++ {
		room, err = q.room(ctx, id)
	}
	if err != nil {
		return LiveSnapshot{}, fmt.Errorf("read room %d: %w", id, err)
	}
	return room, nil
}

func (q *Queries) room(ctx context.Context, id domain.LiveID) (room LiveSnapshot, err error) {
	var before, after int64
	var found []Live
	newest := Window{}
	b := &pgx.Batch{}
	b.Queue("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
	b.Queue(selectCheckpoint).QueryRow(func(row pgx.Row) error { return row.Scan(&room.Position, &before) })
	b.Queue(selectLive+" WHERE l.id = $1", id).Query(collect(scanLive, &found))
	b.Queue(newest.in(selectComments), id, 0, 0, int64(math.MaxInt64), roomRows).Query(collect(scanComment, &room.Comments))
	from, to := allTimes()
	b.Queue(newest.in(selectGiftRecords), id, 0, 0, 0, from, to, 0, int64(math.MaxInt64), roomRows).Query(collect(scanGiftRecord, &room.Gifts))
	b.Queue(selectPresentViewers, id, roomViewers, int64(math.MaxInt64)).Query(func(rows pgx.Rows) error {
		present, err := pgx.CollectRows(rows, scanPresent)
		for _, p := range present {
			room.Viewers = append(room.Viewers, p.Profile)
		}
		return err
	})
	b.Queue("COMMIT")
	// In the transaction the generation stays what it was, while the names of the tables are the newest:
	// only a look from outside notices a switch.
	b.Queue(selectCheckpoint).QueryRow(func(row pgx.Row) error { return row.Scan(nil, &after) })
	conn, err := q.pool.Acquire(ctx)
	if err != nil {
		return room, err
	}
	defer conn.Release() // an open transaction would end with the connection
	if err := conn.SendBatch(ctx, b).Close(); err != nil {
		return room, err
	}
	switch {
	case before != after:
		return room, errSwitched
	case len(found) == 0:
		return room, ErrNotFound
	}
	room.Live, room.Online = found[0], found[0].Online
	return room, nil
}

// collect reads all rows of a queued query into where.
func collect[T any](scan pgx.RowToFunc[T], where *[]T) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*where, err = pgx.CollectRows(rows, scan)
		return err
	}
}

// scanPresent reads how somebody is shown, and since when they are there.
func scanPresent(row pgx.CollectableRow) (p PresentViewer, err error) {
	err = row.Scan(&p.ID, &p.Username, &p.Nickname, &p.Avatar, &p.JoinedPosition)
	return p, err
}
