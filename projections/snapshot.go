package projections

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/internal/sqltemplate"
)

const (
	snapshotRows     = 50 // maximum number of comments, and of gifts, in a snapshot
	snapshotViewers  = 100
	snapshotAttempts = 5
)

// errSwitched means that other tables were put into use during a query.
var errSwitched = errors.New("the tables were switched during the query")

// LiveSnapshot is the state of a live as of one position.
type LiveSnapshot struct {
	Position int64
	Live     Live
	Online   int64
	Comments []Comment    // the newest 50 comments, newest first
	Gifts    []GiftRecord // the newest 50 gifts, newest first
	Viewers  []Profile    // at most 100 present viewers, those who joined last first

	Moderators []Profile     // moderators in the order of their appointments
	Modes      []domain.Mode // the modes that were switched on; some may have ended
}

// LiveSnapshot returns the state of a live as of one position, or ErrNotFound. It needs one round trip. It repeats the
// query if other tables were put into use during the query.
func (q *Queries) LiveSnapshot(ctx context.Context, id domain.LiveID) (LiveSnapshot, error) {
	err := errSwitched
	var s LiveSnapshot
	for attempt := 0; errors.Is(err, errSwitched) && attempt < snapshotAttempts; attempt++ {
		s, err = q.liveSnapshot(ctx, id)
	}
	if err != nil {
		return LiveSnapshot{}, fmt.Errorf("read live %d: %w", id, err)
	}
	return s, nil
}

func (q *Queries) liveSnapshot(ctx context.Context, id domain.LiveID) (s LiveSnapshot, err error) {
	var before, after int64
	var found []Live
	comments, commentArgs := CommentFilter{Live: id, Window: Window{Limit: snapshotRows}}.statement()
	gifts, giftArgs := GiftFilter{Live: id, Window: Window{Limit: snapshotRows}}.statement()
	b := &pgx.Batch{}
	b.Queue("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
	b.Queue(selectCheckpoint.With(nil)).QueryRow(func(row pgx.Row) error { return row.Scan(&s.Position, &before, nil) })
	b.Queue(selectLive.With(sqltemplate.Options{"id": true}), id).Query(collect(scanLive, &found))
	b.Queue(comments, commentArgs).Query(collect(scanComment, &s.Comments))
	b.Queue(gifts, giftArgs).Query(collect(scanGiftRecord, &s.Gifts))
	b.Queue(selectPresentViewers, id, snapshotViewers, int64(math.MaxInt64)).Query(func(rows pgx.Rows) error {
		present, err := pgx.CollectRows(rows, scanPresentViewer)
		for _, p := range present {
			s.Viewers = append(s.Viewers, p.Profile)
		}
		return err
	})
	b.Queue(selectModerators, id).Query(collect(scanModerator, &s.Moderators))
	b.Queue(selectLiveModes, id).Query(collect(pgx.RowToStructByPos[domain.Mode], &s.Modes))
	b.Queue("COMMIT")
	// The transaction continues to read the rows of its database snapshot, but finds tables by their newest names. Only
	// a later query notices a switch of the tables.
	b.Queue(selectCheckpoint.With(nil)).QueryRow(func(row pgx.Row) error { return row.Scan(nil, &after, nil) })
	if err := q.wait(ctx); err != nil {
		return s, err
	}
	conn, err := q.pool.Acquire(ctx)
	if err != nil {
		return s, err
	}
	defer conn.Release() // when the pool gets a connection with an open transaction, it closes the connection
	if err := conn.SendBatch(ctx, b).Close(); err != nil {
		return s, err
	}
	switch {
	case before != after:
		return s, errSwitched
	case len(found) == 0:
		return s, ErrNotFound
	}
	s.Live, s.Online = found[0], found[0].Online
	return s, nil
}

// collect returns a callback that reads all rows of a queued query into target.
func collect[T any](scan pgx.RowToFunc[T], target *[]T) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*target, err = pgx.CollectRows(rows, scan)
		return err
	}
}
