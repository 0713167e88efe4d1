package projections

import (
	"context"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

// Emails is by which e-mail addresses people sign in without a password.
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

// EmailAccount is somebody who signs in by an e-mail address.
type EmailAccount struct {
	User     domain.UserID
	Email    string
	Disabled bool // locked out, or forgotten
}

// EmailAccount answers who signs in by an e-mail address, or ErrNotFound.
func (q *Queries) EmailAccount(ctx context.Context, key string) (EmailAccount, error) {
	return one(ctx, q, "e-mail account", pgx.RowToStructByPos[EmailAccount], selectEmail, key, 0)
}

// EmailOf answers by which e-mail address somebody signs in, or ErrNotFound.
func (q *Queries) EmailOf(ctx context.Context, user domain.UserID) (EmailAccount, error) {
	return one(ctx, q, "e-mail account", pgx.RowToStructByPos[EmailAccount], selectEmail, "", user)
}
