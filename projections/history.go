package projections

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
)

// Comments answers a page of what was said.
func (q *Queries) Comments(ctx context.Context, f CommentFilter) ([]Comment, error) {
	after, before, limit := f.bounds()
	return many(ctx, q, "comments", scanComment, f.in(selectComments), f.Live, f.User, after, before, limit)
}

// Viewers answers a page of who is or was where.
func (q *Queries) Viewers(ctx context.Context, f ViewerFilter) ([]Viewer, error) {
	after, before, limit := f.bounds()
	return many(ctx, q, "viewers", scanViewer, f.in(selectViewers), f.Live, f.User, f.Present, after, before, limit)
}

// PresentViewer answers who is in a room now and came before a position, newest first.
func (q *Queries) PresentViewers(ctx context.Context, live domain.LiveID, before int64, limit int) ([]PresentViewer, error) {
	return many(ctx, q, "who is present", scanPresent, selectPresentViewers, live, limit, before)
}

// GiftHistory answers a page of the gifts given.
func (q *Queries) GiftHistory(ctx context.Context, f GiftFilter) ([]GiftRecord, error) {
	after, before, limit := f.bounds()
	if f.To.IsZero() {
		_, f.To = allTimes()
	}
	return many(ctx, q, "gift records", scanGiftRecord, f.in(selectGiftRecords),
		f.Live, f.Sender, f.Streamer, f.Gift, f.From, f.To, after, before, limit)
}

// CoinHistory answers a page of one account's movements.
func (q *Queries) CoinHistory(ctx context.Context, f CoinFilter) ([]CoinMovement, error) {
	after, before, limit := f.bounds()
	return many(ctx, q, "coin movements", scanMovement, f.in(selectCoinMovements), f.Account, after, before, limit)
}

// allTimes are bounds within which every time is.
func allTimes() (from, to time.Time) {
	return time.Time{}, time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
}

func scanComment(row pgx.CollectableRow) (c Comment, err error) {
	err = row.Scan(&c.Position, &c.ID, &c.Live, &c.User.ID, &c.User.Username, &c.User.Nickname, &c.User.Avatar, &c.Text, &c.At)
	c.At = c.At.UTC()
	return c, err
}

func scanViewer(row pgx.CollectableRow) (v Viewer, err error) {
	var left *time.Time
	err = row.Scan(&v.ID, &v.Username, &v.Nickname, &v.Avatar,
		&v.Live, &v.Present, &v.Node, &v.FirstPosition, &v.JoinedAt, &left, &v.Cause)
	v.JoinedAt = v.JoinedAt.UTC()
	if left != nil {
		v.LeftAt = left.UTC()
	}
	return v, err
}

func scanGiftRecord(row pgx.CollectableRow) (g GiftRecord, err error) {
	err = row.Scan(&g.Position, &g.ID, &g.Live, &g.Streamer, &g.Sender.ID, &g.Sender.Username, &g.Sender.Nickname, &g.Sender.Avatar,
		&g.Gift, &g.Name, &g.Image, &g.Price, &g.Num, &g.Coins, &g.At)
	g.At = g.At.UTC()
	return g, err
}

func scanMovement(row pgx.CollectableRow) (m CoinMovement, err error) {
	err = row.Scan(&m.Position, &m.Account, &m.Amount, &m.BalanceAfter, &m.Order, &m.Live, &m.Gift, &m.At)
	m.At = m.At.UTC()
	return m, err
}
