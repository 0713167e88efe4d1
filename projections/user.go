package projections

import (
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

// Users is who there is, and how they are shown.
var Users = Projection{
	Name: "users", Version: 1, Tables: []string{"user_account"},
	Handlers: []Handler{
		on(foldRegistered), on(foldProfileChanged), on(foldAgeChanged), on(foldDisabled), on(foldEnabled),
		on(foldDenied), on(foldAllowed),
		on(foldRoleGranted), on(foldRoleRevoked), on(foldForgotten),
	},
	Write: writes(writePeople),
}

type peopleBatch struct {
	id                                               []int64
	username, nickname, avatar, nameKey, credentials []string
	at                                               []time.Time
	profile                                          map[domain.UserID]domain.UserProfileChanged
	age                                              map[domain.UserID]int64
	disabled                                         map[domain.UserID]bool
	denied                                           map[domain.UserID]*int64        // until when; nil: not at all
	roles                                            map[domain.UserRoleGranted]bool // granted last, or revoked
	forgotten                                        []int64
}

func foldRegistered(b *peopleBatch, r eventstore.Record, e domain.UserRegistered) {
	b.id = append(b.id, int64(e.User))
	b.username, b.nickname, b.avatar = append(b.username, e.Username), append(b.nickname, e.Nickname), append(b.avatar, e.Avatar)
	b.nameKey, b.credentials = append(b.nameKey, e.NameKey), append(b.credentials, e.Credential)
	b.at = append(b.at, r.RecordedAt)
}

func foldProfileChanged(b *peopleBatch, _ eventstore.Record, e domain.UserProfileChanged) {
	set(&b.profile, e.User, e)
}

func foldAgeChanged(b *peopleBatch, _ eventstore.Record, e domain.UserAgeChanged) {
	set(&b.age, e.User, int64(e.Age))
}

func foldDisabled(b *peopleBatch, _ eventstore.Record, e domain.UserDisabled) {
	set(&b.disabled, e.User, true)
}

func foldEnabled(b *peopleBatch, _ eventstore.Record, e domain.UserEnabled) {
	set(&b.disabled, e.User, false)
}

func foldDenied(b *peopleBatch, _ eventstore.Record, e domain.UserBanned) {
	set(&b.denied, e.User, &e.Until)
}

func foldAllowed(b *peopleBatch, _ eventstore.Record, e domain.UserUnbanned) {
	set(&b.denied, e.User, nil)
}

func foldRoleGranted(b *peopleBatch, _ eventstore.Record, e domain.UserRoleGranted) {
	set(&b.roles, e, true)
}

func foldRoleRevoked(b *peopleBatch, _ eventstore.Record, e domain.UserRoleRevoked) {
	set(&b.roles, domain.UserRoleGranted(e), false)
}

func foldForgotten(b *peopleBatch, _ eventstore.Record, e domain.UserForgotten) {
	b.forgotten = append(b.forgotten, int64(e.User))
}

func writePeople(b *peopleBatch, tables *pgx.Batch) {
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
	if len(b.denied) > 0 {
		var id []int64
		var until []*int64
		for user, at := range b.denied {
			id, until = append(id, int64(user)), append(until, at)
		}
		expect(len(id), tables.Queue(updateUserAccountBan, id, until))
	}
	if len(b.roles) > 0 {
		var id []int64
		var role []string
		var granted []bool
		people := make(map[domain.UserID]bool)
		for of, is := range b.roles {
			people[of.User] = true
			id, role, granted = append(id, int64(of.User)), append(role, string(of.Role)), append(granted, is)
		}
		expect(len(people), tables.Queue(updateUserAccountRoles, id, role, granted))
	}
	if len(b.forgotten) > 0 {
		expect(len(b.forgotten), tables.Queue(eraseUserAccount, b.forgotten))
	}
}

// Sessions is who is signed in.
var Sessions = Projection{
	Name: "sessions", Version: 1, Tables: []string{"session"},
	Handlers: []Handler{on(foldSignedIn), on(foldSignedOut)},
	Write:    writes(writeSessions),
}

type sessionsBatch struct {
	newest map[domain.UserID]sessionRow
}

type sessionRow struct {
	session  string // "": signed out
	since    time.Time
	position int64
}

func foldSignedIn(b *sessionsBatch, r eventstore.Record, e domain.UserSignedIn) {
	set(&b.newest, e.User, sessionRow{e.Session, r.RecordedAt, r.Position})
}

func foldSignedOut(b *sessionsBatch, r eventstore.Record, e domain.UserSignedOut) {
	set(&b.newest, e.User, sessionRow{"", r.RecordedAt, r.Position})
}

func writeSessions(b *sessionsBatch, tables *pgx.Batch) {
	if len(b.newest) == 0 {
		return
	}
	n := len(b.newest)
	id, session := make([]int64, 0, n), make([]string, 0, n)
	since, position := make([]time.Time, 0, n), make([]int64, 0, n)
	for user, s := range b.newest {
		id, session = append(id, int64(user)), append(session, s.session)
		since, position = append(since, s.since), append(position, s.position)
	}
	tables.Queue(upsertSession, id, session, since, position)
}
