package projections

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

// Webhooks projects the webhooks that exist. What they have sent is not in the log, see package api/webhooks.
var Webhooks = Projection{
	Name: "webhooks", Version: 1, Tables: []string{"webhook"},
	Handlers: []Handler{on(foldWebhookAdded), on(foldWebhookChanged), on(foldWebhookRemoved), on(foldWebhookReplayed)},
	Write:    writes(writeWebhooks),
}

// webhooksBatch holds one statement for each event, because there are few.
type webhooksBatch struct{ statements []webhookStatement }

type webhookStatement struct {
	sql  string
	args []any
}

func (b *webhooksBatch) add(sql string, args ...any) {
	b.statements = append(b.statements, webhookStatement{sql, args})
}

func foldWebhookAdded(b *webhooksBatch, r eventstore.Record, e domain.WebhookAdded) {
	b.add(insertWebhook, e.Webhook, e.URL, append([]string{}, e.Types...), e.Personal, e.Secret, e.After, r.ID, r.Position, r.RecordedAt)
}

func foldWebhookChanged(b *webhooksBatch, r eventstore.Record, e domain.WebhookChanged) {
	b.add(updateWebhook, e.Webhook, e.URL, append([]string{}, e.Types...), e.Personal, e.Secret, r.RecordedAt)
}

func foldWebhookRemoved(b *webhooksBatch, _ eventstore.Record, e domain.WebhookRemoved) {
	b.add(deleteWebhook, e.Webhook)
}

func foldWebhookReplayed(b *webhooksBatch, r eventstore.Record, e domain.WebhookReplayed) {
	b.add(updateWebhookStart, e.Webhook, e.After, r.ID)
}

func writeWebhooks(b *webhooksBatch, tables *pgx.Batch) {
	for _, s := range b.statements {
		expect(1, tables.Queue(s.sql, s.args...))
	}
}

// Webhook is a webhook that exists.
type Webhook struct {
	ID       domain.WebhookID
	URL      string
	Types    []string // types and prefixes of the events; empty: all events
	Personal bool
	Secret   int64      // number of the secret
	Renewed  *time.Time // when the secret was replaced; nil: never
	After    int64      // position after which the webhook starts
	Start    uuid.UUID  // id of the event that has set After
	Position int64      // position of webhook.added
	AddedAt  time.Time
}

// Webhooks returns all webhooks in the order of their names. Package domain limits how many there are.
func (q *Queries) Webhooks(ctx context.Context) ([]Webhook, error) {
	return many(ctx, q, "webhooks", scanWebhook, selectWebhooks)
}

func scanWebhook(row pgx.CollectableRow) (w Webhook, err error) {
	err = row.Scan(&w.ID, &w.URL, &w.Types, &w.Personal, &w.Secret, &w.Renewed, &w.After, &w.Start, &w.Position, &w.AddedAt)
	w.AddedAt = w.AddedAt.UTC()
	return w, err
}
