package projections

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/sqltemplate"
)

// Follows projects who follows whom, and the number of followers of each streamer. A user who was forgotten follows
// nobody.
var Follows = Projection{
	Name: "follows", Version: 1, Tables: []string{"follow", "follower_count"},
	Handlers: []Handler{on(foldFollowed), on(foldUnfollowed), on(foldFollowerForgotten)},
	Write:    writes(writeFollows),
}

type followKey struct{ user, streamer domain.UserID }

// followRow is the newest state of a relation in a batch.
type followRow struct{ position, since int64 } // position 0: the user does not follow any more

type followsBatch struct {
	rows      map[followKey]followRow
	followers map[domain.UserID]int64
	forgotten []int64
}

func foldFollowed(b *followsBatch, r eventstore.Record, e domain.UserFollowed) {
	set(&b.rows, followKey{e.User, e.Streamer}, followRow{r.Position, e.Since})
	add(&b.followers, e.Streamer, 1)
}

func foldUnfollowed(b *followsBatch, _ eventstore.Record, e domain.UserUnfollowed) {
	set(&b.rows, followKey{e.User, e.Streamer}, followRow{})
	add(&b.followers, e.Streamer, -1)
}

func foldFollowerForgotten(b *followsBatch, _ eventstore.Record, e domain.UserForgotten) {
	b.forgotten = append(b.forgotten, int64(e.User))
}

func writeFollows(b *followsBatch, tables *pgx.Batch) {
	var begun, ended struct{ user, streamer, position, since []int64 }
	for key, row := range b.rows {
		to := &ended
		if row.position != 0 {
			to = &begun
			to.position, to.since = append(to.position, row.position), append(to.since, row.since)
		}
		to.user, to.streamer = append(to.user, int64(key.user)), append(to.streamer, int64(key.streamer))
	}
	if len(begun.user) > 0 {
		tables.Queue(upsertFollow, begun.user, begun.streamer, begun.position, begun.since)
	}
	if len(ended.user) > 0 {
		tables.Queue(deleteFollow, ended.user, ended.streamer)
	}
	if len(b.followers) > 0 {
		streamer, followers := columns(b.followers)
		tables.Queue(addFollowerCount, streamer, followers)
	}
	if len(b.forgotten) > 0 {
		tables.Queue(eraseFollow, b.forgotten)
	}
}

// Followed is a streamer whom a user follows, or a follower of a streamer.
type Followed struct {
	Profile
	Position int64 // position of the event; orders the lists
	Since    time.Time
}

// Following returns a page of the streamers whom a user follows.
func (q *Queries) Following(ctx context.Context, user domain.UserID, w Window) ([]Followed, error) {
	return q.follows(ctx, "followed streamers", sqltemplate.Options{"streamers": true}, user, w)
}

// Followers returns a page of the followers of a streamer.
func (q *Queries) Followers(ctx context.Context, streamer domain.UserID, w Window) ([]Followed, error) {
	return q.follows(ctx, "followers", sqltemplate.Options{}, streamer, w)
}

func (q *Queries) follows(ctx context.Context, what string, options sqltemplate.Options, of domain.UserID, w Window) ([]Followed, error) {
	options["oldest_first"] = w.OldestFirst
	after, before, limit := w.bounds()
	return many(ctx, q, what, scanFollowed, selectFollows.With(options), of, after, before, limit)
}

func scanFollowed(row pgx.CollectableRow) (f Followed, err error) {
	var since int64
	err = row.Scan(&f.ID, &f.Username, &f.Nickname, &f.Avatar, &f.Position, &since)
	f.Since = time.Unix(since, 0).UTC()
	return f, err
}

// FollowCount describes the followers of a streamer, as one user sees them.
type FollowCount struct {
	Followers int64
	Since     int64 // time in Unix seconds since which the user follows the streamer; 0: the user does not
}

// FollowCount returns the number of followers of a streamer, and since when user follows the streamer; user may be 0.
func (q *Queries) FollowCount(ctx context.Context, streamer, user domain.UserID) (FollowCount, error) {
	return one(ctx, q, "number of followers", pgx.RowToStructByPos[FollowCount], selectFollowCount, streamer, user)
}

// FollowersAmong returns the followers of a streamer among some users.
func (q *Queries) FollowersAmong(ctx context.Context, streamer domain.UserID, users []domain.UserID) ([]domain.UserID, error) {
	return many(ctx, q, "followers", pgx.RowTo[domain.UserID], selectFollowersAmong, streamer, users)
}

// LivesFollowed returns at most limit lives on air or paused of the streamers whom a user follows, newest first.
func (q *Queries) LivesFollowed(ctx context.Context, user domain.UserID, limit int) ([]Live, error) {
	return many(ctx, q, "lives of followed streamers", scanLive, selectLive.With(sqltemplate.Options{"followed": true}), user, pageSize(limit))
}
