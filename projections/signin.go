package projections

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/sqltemplate"
)

// Account is the data needed to sign in a user with a password.
type Account struct {
	Profile
	Credential uuid.UUID // id of the password hash; zero if there is none
	Disabled   bool      // whether the user is disabled or forgotten
}

// Account returns the account with a username, or ErrNotFound. nameKey is the result of eventstore.Store.NameKey for
// the username.
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

// Emails projects the e-mail addresses of users who sign in without a password.
var Emails = Projection{
	Name: "emails", Version: 1, Tables: []string{"email"},
	Handlers: []Handler{on(foldEmailAdded), on(foldEmailClaimed), on(foldEmailForgotten)},
	Write:    writes(writeEmails),
}

type emailsBatch struct {
	user, claimed, forgotten []int64
	email, key               []string
}

func foldEmailAdded(b *emailsBatch, _ eventstore.Record, e domain.UserEmailAdded) {
	b.user, b.email = append(b.user, int64(e.User)), append(b.email, e.Email)
}

func foldEmailClaimed(b *emailsBatch, _ eventstore.Record, e domain.EmailClaimed) {
	b.claimed, b.key = append(b.claimed, int64(e.User)), append(b.key, e.Key)
}

func foldEmailForgotten(b *emailsBatch, _ eventstore.Record, e domain.UserForgotten) {
	b.forgotten = append(b.forgotten, int64(e.User))
}

func writeEmails(b *emailsBatch, tables *pgx.Batch) {
	if len(b.user) > 0 {
		tables.Queue(insertEmail, b.user, b.email)
	}
	if len(b.claimed) > 0 {
		expect(len(b.claimed), tables.Queue(updateEmail, b.claimed, b.key))
	}
	if len(b.forgotten) > 0 {
		tables.Queue(eraseEmail, b.forgotten)
	}
}

// EmailAccount is the data needed to sign in a user with an e-mail address.
type EmailAccount struct {
	User     domain.UserID
	Email    string
	Disabled bool // whether the user is disabled or forgotten
}

// EmailAccount returns the account with an e-mail address, or ErrNotFound. key is the keyed hash of the address.
func (q *Queries) EmailAccount(ctx context.Context, key string) (EmailAccount, error) {
	return one(ctx, q, "e-mail account", pgx.RowToStructByPos[EmailAccount], selectEmail.With(sqltemplate.Options{"key": true}), key)
}

// EmailOf returns the e-mail account of a user, or ErrNotFound.
func (q *Queries) EmailOf(ctx context.Context, user domain.UserID) (EmailAccount, error) {
	return one(ctx, q, "e-mail account", pgx.RowToStructByPos[EmailAccount], selectEmail.With(nil), user)
}

// Sessions projects the current sign-in session of each user.
var Sessions = Projection{
	Name: "sessions", Version: 1, Tables: []string{"session"},
	Handlers: []Handler{on(foldSignedIn), on(foldSignedOut)},
	Write:    writes(writeSessions),
}

type sessionsBatch struct {
	newest map[domain.UserID]sessionRow
}

type sessionRow struct {
	session  string // id of the sign-in session; "" if the user is signed out
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

// Session returns the current sign-in session of a user, or "" if the user is signed out.
func (q *Queries) Session(ctx context.Context, id domain.UserID) (string, error) {
	session, err := one(ctx, q, "session", pgx.RowTo[string], selectSession, id)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return session, err
}
