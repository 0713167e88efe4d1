package projections

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/domain"
)

// Queries answers from the read tables. It is safe for concurrent use.
type Queries struct {
	pool *pgxpool.Pool
}

// NewQueries reads through pool, whose search_path begins with the read schema.
func NewQueries(pool *pgxpool.Pool) *Queries { return &Queries{pool} }

// Live answers one room, or ErrNotFound.
func (q *Queries) Live(ctx context.Context, id domain.LiveID) (Live, error) {
	return one(ctx, q, "live", scanLive, selectLive+" WHERE l.id = $1", id)
}

// LiveByStreamKey answers the room with a stream key, or ErrNotFound.
func (q *Queries) LiveByStreamKey(ctx context.Context, key string) (Live, error) {
	return one(ctx, q, "live by key", scanLive, selectLive+" WHERE l.stream_key = $1", key)
}

const (
	maxPage  = 500     // rows of a page
	lastPage = 1 << 40 // nobody turns so many
)

// Lives answers a page of rooms, newest first; pages count from 1. Ids are handed out 1, 2, 3, …, so
// that a page is a range of ids and the millionth costs what the first does.
func (q *Queries) Lives(ctx context.Context, page, size int) ([]Live, error) {
	size = min(max(size, 1), maxPage)
	if page < 1 || page > lastPage {
		return nil, nil
	}
	skip := int64(page-1) * int64(size)
	return many(ctx, q, "lives", scanLive, selectLive+`
WHERE l.id <= (SELECT max(id) FROM live) - $1 AND l.id > (SELECT max(id) FROM live) - $1 - $2 ORDER BY l.id DESC`, skip, int64(size))
}

// LivesOnAir answers the newest limit rooms that are on air or paused, newest first.
func (q *Queries) LivesOnAir(ctx context.Context, limit int) ([]Live, error) {
	return many(ctx, q, "lives on air", scanLive, selectLive+" WHERE l.status IN (1, 2) ORDER BY l.id DESC LIMIT $1", min(max(limit, 1), maxPage))
}

// LivesOnAirOf answers the oldest limit rooms of a streamer that are on air or paused.
func (q *Queries) LivesOnAirOf(ctx context.Context, streamer domain.UserID, limit int) ([]domain.LiveID, error) {
	return many(ctx, q, "rooms on air", pgx.RowTo[domain.LiveID], selectLivesOnAir, streamer, min(max(limit, 1), maxPage))
}

// Gifts answers the gifts on the shelf.
func (q *Queries) Gifts(ctx context.Context) ([]Gift, error) {
	return many(ctx, q, "gifts", pgx.RowToStructByPos[Gift], selectGifts, false)
}

// AllGifts answers the shelf with what was withdrawn.
func (q *Queries) AllGifts(ctx context.Context) ([]Gift, error) {
	return many(ctx, q, "gifts", pgx.RowToStructByPos[Gift], selectGifts, true)
}

// Profile answers how a person is shown, or ErrNotFound.
func (q *Queries) Profile(ctx context.Context, id domain.UserID) (Profile, error) {
	return one(ctx, q, "profile", pgx.RowToStructByPos[Profile], selectProfiles, []int64{int64(id)})
}

// Profiles answers those of ids that there are.
func (q *Queries) Profiles(ctx context.Context, ids []domain.UserID) (map[domain.UserID]Profile, error) {
	wanted := make([]int64, len(ids))
	for i, id := range ids {
		wanted[i] = int64(id)
	}
	found, err := many(ctx, q, "profiles", pgx.RowToStructByPos[Profile], selectProfiles, wanted)
	profiles := make(map[domain.UserID]Profile, len(found))
	for _, p := range found {
		profiles[p.ID] = p
	}
	return profiles, err
}

// Account answers what signing in under a name needs, or ErrNotFound.
func (q *Queries) Account(ctx context.Context, nameKey string) (Account, error) {
	return one(ctx, q, "account", func(row pgx.CollectableRow) (a Account, err error) {
		var credential string
		if err := row.Scan(&a.ID, &a.Username, &a.Nickname, &a.Avatar, &credential, &a.Disabled); err != nil || credential == "" {
			return a, err
		}
		a.Credential, err = uuid.Parse(credential)
		return a, err
	}, selectAccount, nameKey)
}

// User answers a person, or ErrNotFound.
func (q *Queries) User(ctx context.Context, id domain.UserID) (User, error) {
	return one(ctx, q, "user", scanUser, selectUsers, id-1, id, 1)
}

// Users answers up to limit people with larger ids than after.
func (q *Queries) Users(ctx context.Context, after domain.UserID, limit int) ([]User, error) {
	return many(ctx, q, "users", scanUser, selectUsers, after, int64(math.MaxInt64), min(max(limit, 1), maxPage))
}

// Balance answers a person's coins; 0 for whoever never had any.
func (q *Queries) Balance(ctx context.Context, id domain.UserID) (domain.Coins, error) {
	return q.AccountBalance(ctx, domain.WalletAccount(id))
}

// AccountBalance answers the coins of any account; 0 for one that never had any.
func (q *Queries) AccountBalance(ctx context.Context, a domain.Account) (domain.Coins, error) {
	balance, err := one(ctx, q, "balance", pgx.RowTo[domain.Coins], selectBalance, a)
	if errors.Is(err, ErrNotFound) {
		return 0, nil
	}
	return balance, err
}

// Session answers a person's current session, "" for none.
func (q *Queries) Session(ctx context.Context, id domain.UserID) (string, error) {
	session, err := one(ctx, q, "session", pgx.RowTo[string], selectSession, id)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return session, err
}

// maxGauges bounds one look at gauges.
const maxGauges = 1000

// Gauges answers the newest figures of up to 1000 rooms, all at one position.
func (q *Queries) Gauges(ctx context.Context, ids []domain.LiveID) ([]Gauges, error) {
	if len(ids) > maxGauges {
		return nil, fmt.Errorf("read gauges: %d rooms are more than %d", len(ids), maxGauges)
	}
	wanted := make([]int64, len(ids))
	for i, id := range ids {
		wanted[i] = int64(id)
	}
	return many(ctx, q, "gauges", pgx.RowToStructByPos[Gauges], selectGauges, wanted)
}

// Nodes answers the server processes that hold somebody present in a room or in the chat.
func (q *Queries) Nodes(ctx context.Context) ([]string, error) {
	return many(ctx, q, "processes", pgx.RowTo[string], selectNodes)
}

// NodeViewers answers up to limit of those whom a server process holds present, in order of live and user,
// behind one of them.
func (q *Queries) NodeViewers(ctx context.Context, process string, after ViewerKey, limit int) ([]ViewerKey, error) {
	return many(ctx, q, "held viewers", pgx.RowToStructByPos[ViewerKey], selectNodeViewers, process, after.Live, after.User, max(limit, 1))
}

func scanLive(row pgx.CollectableRow) (l Live, err error) {
	var show, process, video, audio *string
	var width, height *int
	var since *time.Time
	var bannedUntil *int64
	err = row.Scan(&l.ID, &l.UserID, &l.Owner.Username, &l.Owner.Nickname, &l.Owner.Avatar, &l.OwnerStatus.Exists, &l.OwnerStatus.Disabled, &l.OwnerStatus.Forgotten, &bannedUntil,
		&l.Title, &l.Cover, &l.StreamKey, &l.Status,
		&l.Online, &l.LookCount, &l.Coin, &l.CreatedAt, &l.UpdatedAt, &show, &process, &video, &width, &height, &audio, &since, &l.Record)
	l.OwnerStatus.Ban = banUntil(l.UserID, bannedUntil)
	l.Owner.ID, l.CreatedAt, l.UpdatedAt = l.UserID, l.CreatedAt.UTC(), l.UpdatedAt.UTC()
	if err == nil && show != nil {
		l.Broadcast = Broadcast{ID: domain.BroadcastID(*show), Live: l.ID, StreamKey: l.StreamKey, Node: *process, StartedAt: since.UTC(),
			Media: domain.MediaInfo{Video: *video, Width: *width, Height: *height, Audio: *audio}}
	}
	return l, err
}

// banUntil returns the ban of a user, from the column banned_until.
func banUntil(user domain.UserID, until *int64) domain.Ban {
	if until == nil {
		return domain.Ban{}
	}
	return domain.Ban{User: user, Until: *until}
}

func scanUser(row pgx.CollectableRow) (u User, err error) {
	var denied *int64
	err = row.Scan(&u.ID, &u.Username, &u.Nickname, &u.Avatar, &u.Disabled, &u.Forgotten, &denied, &u.Roles, &u.Balance, &u.CreatedAt)
	u.CreatedAt = u.CreatedAt.UTC()
	u.Ban = banUntil(u.ID, denied)
	return u, err
}

// many reads rows; one reads the first, or answers ErrNotFound.
func many[T any](ctx context.Context, q *Queries, what string, scan pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	rows, err := q.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	found, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	return found, nil
}

func one[T any](ctx context.Context, q *Queries, what string, scan pgx.RowToFunc[T], sql string, args ...any) (T, error) {
	found, err := many(ctx, q, what, scan, sql, args...)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("read %s: %w", what, ErrNotFound)
	}
	if err != nil {
		var none T
		return none, err
	}
	return found[0], nil
}

// bounds answers the window as arguments: after, before and limit.
func (w Window) bounds() (after, before int64, limit int) {
	if before = w.Before; before <= 0 {
		before = math.MaxInt64
	}
	if limit = w.Limit; limit <= 0 {
		limit = roomRows
	}
	return w.After, before, min(limit, maxPage)
}

// in answers a statement in the window's order.
func (w Window) in(sql string) string {
	if w.OldestFirst {
		return strings.ReplaceAll(sql, "{order}", "ASC")
	}
	return strings.ReplaceAll(sql, "{order}", "DESC")
}
