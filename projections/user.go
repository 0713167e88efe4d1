package projections

import (
	"context"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

// Users projects the accounts of users.
var Users = Projection{
	Name: "users", Version: 1, Tables: []string{"user_account"},
	Handlers: []Handler{
		on(foldUserRegistered), on(foldProfileChanged), on(foldAgeChanged), on(foldUserDisabled), on(foldUserEnabled),
		on(foldUserBanned), on(foldUserUnbanned), on(foldRoleGranted), on(foldRoleRevoked), on(foldUserForgotten),
	},
	Write: writes(writeUsers),
}

type usersBatch struct {
	id                                               []int64
	username, nickname, avatar, nameKey, credentials []string
	at                                               []time.Time
	profile                                          map[domain.UserID]domain.UserProfileChanged
	age                                              map[domain.UserID]int64
	disabled                                         map[domain.UserID]bool
	banned                                           map[domain.UserID]*int64 // end of the ban in Unix seconds; nil if the user is not banned
	roles                                            map[roleKey]bool         // whether the newest event grants (true) or revokes (false) the role
	forgotten                                        []int64
}

// roleKey identifies a role of a user.
type roleKey struct {
	user domain.UserID
	role domain.Role
}

func foldUserRegistered(b *usersBatch, r eventstore.Record, e domain.UserRegistered) {
	b.id = append(b.id, int64(e.User))
	b.username, b.nickname, b.avatar = append(b.username, e.Username), append(b.nickname, e.Nickname), append(b.avatar, e.Avatar)
	b.nameKey, b.credentials = append(b.nameKey, e.NameKey), append(b.credentials, e.Credential)
	b.at = append(b.at, r.RecordedAt)
}

func foldProfileChanged(b *usersBatch, _ eventstore.Record, e domain.UserProfileChanged) {
	set(&b.profile, e.User, e)
}

func foldAgeChanged(b *usersBatch, _ eventstore.Record, e domain.UserAgeChanged) {
	set(&b.age, e.User, int64(e.Age))
}

func foldUserDisabled(b *usersBatch, _ eventstore.Record, e domain.UserDisabled) {
	set(&b.disabled, e.User, true)
}

func foldUserEnabled(b *usersBatch, _ eventstore.Record, e domain.UserEnabled) {
	set(&b.disabled, e.User, false)
}

func foldUserBanned(b *usersBatch, _ eventstore.Record, e domain.UserBanned) {
	set(&b.banned, e.User, &e.Until)
}

func foldUserUnbanned(b *usersBatch, _ eventstore.Record, e domain.UserUnbanned) {
	set(&b.banned, e.User, nil)
}

func foldRoleGranted(b *usersBatch, _ eventstore.Record, e domain.UserRoleGranted) {
	set(&b.roles, roleKey{e.User, e.Role}, true)
}

func foldRoleRevoked(b *usersBatch, _ eventstore.Record, e domain.UserRoleRevoked) {
	set(&b.roles, roleKey{e.User, e.Role}, false)
}

func foldUserForgotten(b *usersBatch, _ eventstore.Record, e domain.UserForgotten) {
	b.forgotten = append(b.forgotten, int64(e.User))
}

func writeUsers(b *usersBatch, tables *pgx.Batch) {
	if len(b.id) > 0 {
		tables.Queue(insertUserAccount, b.id, b.username, b.nickname, b.avatar, b.nameKey, b.credentials, b.at)
	}
	if len(b.profile) > 0 {
		var id []int64
		var nickname, avatar []string
		for _, e := range b.profile {
			id, nickname, avatar = append(id, int64(e.User)), append(nickname, e.Nickname), append(avatar, e.Avatar)
		}
		expect(len(id), tables.Queue(updateUserAccountProfile, id, nickname, avatar))
	}
	if len(b.age) > 0 {
		id, age := columns(b.age)
		expect(len(id), tables.Queue(updateUserAccountAge, id, age))
	}
	if len(b.disabled) > 0 {
		var id []int64
		var disabled []bool
		for user, is := range b.disabled {
			id, disabled = append(id, int64(user)), append(disabled, is)
		}
		expect(len(id), tables.Queue(updateUserAccountDisabled, id, disabled))
	}
	if len(b.banned) > 0 {
		var id []int64
		var until []*int64
		for user, at := range b.banned {
			id, until = append(id, int64(user)), append(until, at)
		}
		expect(len(id), tables.Queue(updateUserAccountBan, id, until))
	}
	if len(b.roles) > 0 {
		b.queueRoles(tables)
	}
	if len(b.forgotten) > 0 {
		expect(len(b.forgotten), tables.Queue(eraseUserAccount, b.forgotten))
	}
}

func (b *usersBatch) queueRoles(tables *pgx.Batch) {
	var id []int64
	var role []string
	var granted []bool
	users := make(map[domain.UserID]bool)
	for key, is := range b.roles {
		users[key.user] = true
		id, role, granted = append(id, int64(key.user)), append(role, string(key.role)), append(granted, is)
	}
	expect(len(users), tables.Queue(updateUserAccountRoles, id, role, granted))
}

// Profile is the public data of a user. Queries read the current profile; no other table copies it.
type Profile struct {
	ID       domain.UserID
	Username string
	Nickname string
	Avatar   string
	// CreatedAt is the time of the registration. Only Profile, Profiles and Delta.Profile set it.
	CreatedAt time.Time
}

// Name returns the nickname, or the username if there is none.
func (p Profile) Name() string {
	if p.Nickname != "" {
		return p.Nickname
	}
	return p.Username
}

// Profile returns the profile of a user, or ErrNotFound.
func (q *Queries) Profile(ctx context.Context, id domain.UserID) (Profile, error) {
	return one(ctx, q, "profile", pgx.RowToStructByPos[Profile], selectProfiles, []int64{int64(id)})
}

// Profiles returns the profiles of those users that exist, by id.
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

// User is a row of table user_account, with the data that operators see.
type User struct {
	Profile
	Disabled  bool
	Forgotten bool
	Ban       domain.Ban // ban from the whole service; zero if there is none
	Roles     []domain.Role
	Age       int // age in years; 0 if unknown
	Balance   domain.Coins
	CreatedAt time.Time
}

// Status returns the part of u that Admission checks.
func (u User) Status() domain.UserStatus {
	return domain.UserStatus{Exists: u.ID != 0, Disabled: u.Disabled, Forgotten: u.Forgotten, Ban: u.Ban}
}

// User returns a user, or ErrNotFound.
func (q *Queries) User(ctx context.Context, id domain.UserID) (User, error) {
	return one(ctx, q, "user", scanOneUser, selectUsers, id-1, id, 1)
}

// Users returns up to limit users, ordered by id. It starts with the first id that is larger than after.
func (q *Queries) Users(ctx context.Context, after domain.UserID, limit int) ([]User, error) {
	return many(ctx, q, "users", scanOneUser, selectUsers, after, int64(math.MaxInt64), pageSize(limit))
}

func scanOneUser(row pgx.CollectableRow) (User, error) { return scanUser(row) }

// scanUser scans a user, and the columns that follow into more.
func scanUser(row pgx.CollectableRow, more ...any) (u User, err error) {
	var bannedUntil *int64
	err = row.Scan(append([]any{&u.ID, &u.Username, &u.Nickname, &u.Avatar, &u.Disabled, &u.Forgotten, &bannedUntil, &u.Roles, &u.Age, &u.Balance, &u.CreatedAt}, more...)...)
	u.CreatedAt, u.Ban = u.CreatedAt.UTC(), banOf(u.ID, bannedUntil)
	return u, err
}

// banOf returns the ban of a user. until is the column banned_until.
func banOf(user domain.UserID, until *int64) domain.Ban {
	if until == nil {
		return domain.Ban{}
	}
	return domain.Ban{User: user, Until: *until}
}
