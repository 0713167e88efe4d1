package api

import (
	"context"
	"time"

	"roomlog/api/webhooks"
	"roomlog/domain"
	"roomlog/eventstore/place"
	"roomlog/internal/webhook"
	"roomlog/projections"
)

// hook is a webhook with its state, in a response.
type hook struct {
	ID       domain.WebhookID `json:"id" example:"billing"`
	URL      string           `json:"url" example:"https://hooks.example/roomlog"`
	Types    []string         `json:"types" example:"gift.*" doc:"types and prefixes of the events; empty: all events"`
	Personal bool             `json:"personal" doc:"whether the events contain private fields"`
	AddedAt  time.Time        `json:"added_at"`
	Position int64            `json:"position" doc:"every selected event up to it was accepted, waits in a blocked live, or is dead"`
	Head     int64            `json:"head" doc:"position of the newest event of the log"`
	Blocked  int64            `json:"blocked" doc:"number of lives whose next event was not accepted; their later events wait"`
	Dead     int64            `json:"dead" doc:"number of dead letters"`
	Status   int              `json:"status,omitempty" doc:"HTTP status of the newest attempt that was not accepted; absent: none, or no response"`
	Error    string           `json:"error,omitempty" example:"Service Unavailable" doc:"what was wrong with the newest attempt that was not accepted"`
	Halted   string           `json:"halted,omitempty" example:"the log has fallen back" doc:"why nothing is sent until the webhook is replayed"`
}

// listWebhooks returns all webhooks.
func (s *server) listWebhooks(ctx context.Context, _ *struct{}) ([]hook, error) {
	found, err := s.Queries.Webhooks(ctx)
	if err != nil {
		return nil, err
	}
	progress, err := webhooks.NewTables(s.Store.Pool()).Cursors(ctx)
	if err != nil {
		return nil, err
	}
	head, err := s.Store.Head(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]hook, 0, len(found))
	for _, w := range found {
		h := hook{ID: w.ID, URL: w.URL, Types: append([]string{}, w.Types...), Personal: w.Personal, AddedAt: w.AddedAt, Position: w.After, Head: head}
		if p := progress[w.ID]; p.Start == w.Start {
			h.Position, h.Blocked, h.Dead, h.Status, h.Error, h.Halted = p.Position, p.Blocked, p.Dead, p.Status, p.Error, p.Halted
		}
		list = append(list, h)
	}
	return list, nil
}

// WebhookTarget contains the URL of a webhook and selects the events that it sends, in a request.
type WebhookTarget struct {
	Webhook  domain.WebhookID `json:"webhook" example:"billing" doc:"name of the webhook: 1–32 characters of A-Z, a-z, 0-9 and hyphen"`
	URL      string           `json:"url" example:"https://hooks.example/roomlog" doc:"where events are sent, by POST; must not contain a secret, because the log contains it"`
	Types    []string         `json:"types,omitempty" example:"gift.*" doc:"types like gift.sent.v2 and prefixes like gift.*; absent: all events"`
	Personal bool             `json:"personal,omitempty" doc:"whether the events contain private fields; needs the role personal"`
	Reason   string           `json:"reason,omitempty" example:"new receiver" doc:"recorded: up to 100 characters; must not identify a person"`
}

// webhookSecrets are the secrets of a webhook, in a response.
type webhookSecrets struct {
	Secrets []string `json:"secrets" example:"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" doc:"the secrets that sign, newest first; a receiver needs the first"`
}

type webhookInput struct {
	Body struct {
		WebhookTarget
		From string `json:"from,omitempty" example:"4711" doc:"position, time or day of the first event; absent: only events that are new"`
	}
}

// addWebhook adds a webhook, and returns its secrets.
func (s *server) addWebhook(ctx context.Context, in *webhookInput) (webhookSecrets, error) {
	b := in.Body
	history := s.Store.History().Number
	after, err := s.placeBefore(ctx, b.From)
	if err == nil {
		err = checkWebhookURL(b.URL)
	}
	if err != nil {
		return webhookSecrets{}, err
	}
	receipt, err := s.executeFrom(ctx, history, domain.AddWebhook{Webhook: b.Webhook, URL: b.URL, Types: b.Types, Personal: b.Personal, After: after, Reason: b.Reason})
	if err != nil {
		return webhookSecrets{}, err
	}
	added, record, err := eventOf[domain.WebhookAdded](receipt)
	return s.secretsOf(projections.Webhook{ID: added.Webhook, Secret: added.Secret, AddedAt: record.RecordedAt}), err
}

// checkWebhookURL returns a *domain.Refusal unless text can be the URL of a webhook.
func checkWebhookURL(text string) error {
	if err := webhook.CheckURL(text); err != nil {
		return refusal(domain.CodeTextInvalid, "url %v", err)
	}
	return nil
}

// placeBefore returns the position before a place of the log; without a place, the end of the log.
func (s *server) placeBefore(ctx context.Context, text string) (int64, error) {
	head, err := s.Store.Head(ctx)
	if err != nil || text == "" {
		return head, err
	}
	after, err := place.After(ctx, s.Store, text, head)
	return after, placeFailure("from", err)
}

func (s *server) secretsOf(w projections.Webhook) webhookSecrets {
	list := []string{}
	for _, secret := range webhooks.Secrets(s.WebhookKeys, w, s.Now()) {
		list = append(list, secret.Reveal())
	}
	return webhookSecrets{list}
}

type webhookChange struct {
	Body struct {
		WebhookTarget
		Renew bool `json:"renew,omitempty" doc:"whether the secret is replaced; the old one also signs for another 24 hours"`
	}
}

// changeWebhook changes the target of a webhook, or replaces its secret.
func (s *server) changeWebhook(ctx context.Context, in *webhookChange) (string, error) {
	b := in.Body
	if err := checkWebhookURL(b.URL); err != nil {
		return "", err
	}
	_, err := s.execute(ctx, domain.ChangeWebhook{Webhook: b.Webhook, URL: b.URL, Types: b.Types, Personal: b.Personal, Renew: b.Renew, Reason: b.Reason})
	return "ok", err
}

type webhookRemoval struct {
	Body struct {
		Webhook domain.WebhookID `json:"webhook" example:"billing"`
		Reason  string           `json:"reason,omitempty" example:"not needed" doc:"recorded: up to 100 characters; must not identify a person"`
	}
}

func removeWebhook(in *webhookRemoval) domain.Command {
	return domain.RemoveWebhook{Webhook: in.Body.Webhook, Reason: in.Body.Reason}
}

type webhookReplay struct {
	Body struct {
		Webhook domain.WebhookID `json:"webhook" example:"billing"`
		From    string           `json:"from,omitempty" example:"4711" doc:"position, time or day of the first event; absent: only events that are new"`
		Reason  string           `json:"reason,omitempty" example:"receiver has lost them" doc:"recorded: up to 100 characters; must not identify a person"`
	}
}

// replayWebhook makes a webhook continue at a place of the log.
func (s *server) replayWebhook(ctx context.Context, in *webhookReplay) (string, error) {
	history := s.Store.History().Number
	after, err := s.placeBefore(ctx, in.Body.From)
	if err == nil {
		_, err = s.executeFrom(ctx, history, domain.ReplayWebhook{Webhook: in.Body.Webhook, After: after, Reason: in.Body.Reason})
	}
	return "ok", err
}

type webhookPath struct {
	ID domain.WebhookID `path:"id" example:"billing"`
}

// readWebhookSecrets returns the secrets that sign the requests of a webhook.
func (s *server) readWebhookSecrets(ctx context.Context, in *webhookPath) (webhookSecrets, error) {
	w, err := s.webhook(ctx, in.ID)
	return s.secretsOf(w), err
}

// webhook returns a webhook, or a *domain.Refusal if there is none.
func (s *server) webhook(ctx context.Context, id domain.WebhookID) (projections.Webhook, error) {
	found, err := s.Queries.Webhooks(ctx)
	for _, w := range found {
		if w.ID == id {
			return w, err
		}
	}
	if err == nil {
		err = refusal(domain.CodeWebhookNotFound, "there is no webhook %.40q", id)
	}
	return projections.Webhook{}, err
}

// deadLetter is an event that the receiver of a webhook has not accepted in time, in a response.
type deadLetter struct {
	Position int64         `json:"position"`
	Live     domain.LiveID `json:"live,omitempty"`
	Type     string        `json:"type" example:"gift.sent.v2"`
	Status   int           `json:"status,omitempty" doc:"HTTP status of the last response; absent: there was none"`
	Error    string        `json:"error" example:"Service Unavailable" doc:"what was wrong with the last attempt"`
	DiedAt   time.Time     `json:"died_at" doc:"time of the last attempt"`
	Retry    bool          `json:"retry" doc:"whether it is sent again soon"`
}

type deadInput struct {
	ID    domain.WebhookID `path:"id" example:"billing"`
	After int64            `query:"after" minimum:"0" doc:"only events after this position"`
	Limit int              `query:"limit" minimum:"1" maximum:"500" default:"50"`
}

// listDeadLetters returns dead letters of a webhook, in the order of the log.
func (s *server) listDeadLetters(ctx context.Context, in *deadInput) ([]deadLetter, error) {
	if _, err := s.webhook(ctx, in.ID); err != nil {
		return nil, err
	}
	found, err := webhooks.NewTables(s.Store.Pool()).Dead(ctx, in.ID, in.After, in.Limit)
	list := make([]deadLetter, 0, len(found))
	for _, d := range found {
		list = append(list, deadLetter{d.Position, d.Live, d.Type, d.Status, d.Error, d.DiedAt, d.Retry})
	}
	return list, err
}

type webhookRetry struct {
	Body struct {
		Webhook  domain.WebhookID `json:"webhook" example:"billing"`
		Position number           `json:"position,omitempty" doc:"position of the dead letter; absent: all dead letters"`
	}
}

// retriedLetters is the number of dead letters that are sent again, in a response.
type retriedLetters struct {
	Count int64 `json:"count" doc:"number of dead letters that are sent again, each once"`
}

// retryWebhook lets dead letters be sent again.
func (s *server) retryWebhook(ctx context.Context, in *webhookRetry) (retriedLetters, error) {
	if _, err := s.webhook(ctx, in.Body.Webhook); err != nil {
		return retriedLetters{}, err
	}
	n, err := webhooks.NewTables(s.Store.Pool()).Retry(ctx, in.Body.Webhook, int64(in.Body.Position))
	return retriedLetters{n}, err
}
