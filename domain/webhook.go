package domain

import (
	"slices"
	"strings"
)

// WebhookID is the name of a webhook. Operators choose it.
type WebhookID string

// Bounds of webhooks.
const (
	MaxWebhooks     = 100 // maximum number of webhooks at the same time
	maxWebhookTypes = 100 // maximum number of types and prefixes of one webhook
	maxWebhookID    = 32
)

// webhookCharacters are the characters of a WebhookID. There is no dot, because the header webhook-id contains the name and must not
// contain a dot.
const webhookCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"

// Webhook is the state of a webhook, which sends events to a URL.
type Webhook struct {
	Exists   bool     `json:"exists"`   // whether the webhook was added and is not removed
	URL      string   `json:"url"`      // where events are sent
	Types    []string `json:"types"`    // types like gift.sent.v2 and prefixes like gift.*; empty: all events
	Personal bool     `json:"personal"` // whether the events contain private fields
	Secret   int64    `json:"secret"`   // number of the secret that signs: 1, 2, 3, …; a removed webhook keeps it
}

func webhookStream(id WebhookID) Stream { return Stream("webhook-" + string(id)) }

// Webhook returns the state of a webhook.
func (v View) Webhook(id WebhookID) Webhook { return look[Webhook](v, webhookStream(id)) }

// webhookCount returns the number of webhooks that exist.
func (v View) webhookCount() int64 { return look[Counter](v, webhookCount).Value }

// existingWebhook returns the state of a webhook, or a *Refusal if there is none.
func (v View) existingWebhook(id WebhookID) (Webhook, error) {
	w := v.Webhook(id)
	if !w.Exists {
		return w, refuse(CodeWebhookNotFound, "there is no webhook %.40q", id)
	}
	return w, nil
}

// checkWebhook returns a *Refusal if the actor may not send such events to the URL.
func (v View) checkWebhook(to string, types []string, personal bool) error {
	switch {
	case len(to) > maxURL:
		return refuse(CodeTextTooLong, "url must have at most %d bytes", maxURL)
	case !isWebURL(to) || strings.ContainsAny(to, "# \"<>\\`"):
		return refuse(CodeTextInvalid, "url must be a URL like https://hooks.example/roomlog, without user, password and #")
	case len(types) > maxWebhookTypes:
		return refuse(CodeNumberOutOfRange, "types must have at most %d types and prefixes", maxWebhookTypes)
	case personal && v.Actor.Kind == Authenticated && !v.User(v.Actor.User).HasRole(RolePersonal):
		return refuse(CodeForbidden, "a webhook with personal texts needs the role personal")
	}
	return checkReadable("url", to)
}

// AddWebhook adds a webhook, which sends the events after a position to a URL.
type AddWebhook struct {
	Webhook  WebhookID `json:"webhook"`  // name of the webhook: 1–32 characters of A-Z, a-z, 0-9 and hyphen
	URL      string    `json:"url"`      // where events are sent: http or https URL; must not contain a secret, because it is not sealed
	Types    []string  `json:"types"`    // types like gift.sent.v2 and prefixes like gift.*; empty: all events
	Personal bool      `json:"personal"` // whether the events contain private fields; needs the role personal
	After    int64     `json:"after"`    // position in the log: the events after it are sent
	Reason   string    `json:"reason"`   // the operator's reason, stored in the event: up to 100 characters; must not identify a person
}

func (AddWebhook) Type() string { return "webhook.add" }

func (c AddWebhook) Reads(Actor) []Stream { return []Stream{webhookStream(c.Webhook), webhookCount} }

func (c AddWebhook) eventTypes() []string { return c.Types }

func (c AddWebhook) decide(view View) ([]Event, error) {
	w, count := view.Webhook(c.Webhook), view.webhookCount()
	reason, err := operatorReason(c.Reason)
	switch {
	case len(c.Webhook) < 1 || len(c.Webhook) > maxWebhookID || !onlyOf(string(c.Webhook), webhookCharacters):
		return nil, refuse(CodeTextInvalid, "webhook must have 1 to %d characters of A-Z, a-z, 0-9 and hyphen", maxWebhookID)
	case err != nil:
		return nil, err
	case c.After < 0:
		return nil, refuse(CodeNumberOutOfRange, "after must be at least 0")
	case w.Exists:
		return nil, refuse(CodeWebhookExists, "the webhook %s exists: change it, or choose another name", c.Webhook)
	case count >= MaxWebhooks:
		return nil, refuse(CodeWebhooksTooMany, "there are %d webhooks: remove one first", count)
	}
	if err := view.checkWebhook(c.URL, c.Types, c.Personal); err != nil {
		return nil, err
	}
	return []Event{WebhookAdded{c.Webhook, c.URL, append([]string{}, c.Types...), c.Personal, w.Secret + 1, c.After, reason, count + 1}}, nil
}

// WebhookAdded records that events are sent to a URL.
type WebhookAdded struct {
	Webhook  WebhookID `json:"webhook"`  // name of the webhook
	URL      string    `json:"url"`      // where events are sent; not sealed
	Types    []string  `json:"types"`    // types and prefixes of the events; empty: all events
	Personal bool      `json:"personal"` // whether the events contain private fields
	Secret   int64     `json:"secret"`   // number of the secret that signs; the secret itself is never stored
	After    int64     `json:"after"`    // position in the log: the events after it are sent
	Reason   string    `json:"reason"`   // the operator's reason; not sealed
	Count    int64     `json:"count"`    // number of webhooks that now exist
}

func (WebhookAdded) Type() string     { return "webhook.added.v1" }
func (e WebhookAdded) Stream() Stream { return webhookStream(e.Webhook) }
func (e WebhookAdded) count() int64   { return e.Count }
func (e WebhookAdded) evolve(Webhook) Webhook {
	return Webhook{true, e.URL, e.Types, e.Personal, e.Secret}
}

// ChangeWebhook changes the URL of a webhook and selects the events that it sends. It replaces the secret of the
// webhook if requested. The webhook continues at its position. Nothing changes if the webhook already has the URL and
// sends these events.
type ChangeWebhook struct {
	Webhook  WebhookID `json:"webhook"`  // name of the webhook
	URL      string    `json:"url"`      // where events are sent: http or https URL; must not contain a secret, because it is not sealed
	Types    []string  `json:"types"`    // types like gift.sent.v2 and prefixes like gift.*; empty: all events
	Personal bool      `json:"personal"` // whether the events contain private fields; needs the role personal
	Renew    bool      `json:"renew"`    // whether the secret is replaced; the old one also signs for another 24 hours
	Reason   string    `json:"reason"`   // the operator's reason, stored in the event: up to 100 characters; must not identify a person
}

func (ChangeWebhook) Type() string { return "webhook.change" }

func (c ChangeWebhook) Reads(Actor) []Stream { return []Stream{webhookStream(c.Webhook)} }

func (c ChangeWebhook) eventTypes() []string { return c.Types }

func (c ChangeWebhook) decide(view View) ([]Event, error) {
	w, err := view.existingWebhook(c.Webhook)
	if err != nil {
		return nil, err
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	if err := view.checkWebhook(c.URL, c.Types, c.Personal); err != nil {
		return nil, err
	}
	secret := w.Secret
	if c.Renew {
		secret++
	}
	if secret == w.Secret && c.URL == w.URL && c.Personal == w.Personal && slices.Equal(c.Types, w.Types) {
		return nil, nil
	}
	return []Event{WebhookChanged{c.Webhook, c.URL, append([]string{}, c.Types...), c.Personal, secret, reason}}, nil
}

// WebhookChanged records the URL of a webhook and the events that it sends from now on.
type WebhookChanged struct {
	Webhook  WebhookID `json:"webhook"`  // name of the webhook
	URL      string    `json:"url"`      // where events are sent; not sealed
	Types    []string  `json:"types"`    // types and prefixes of the events; empty: all events
	Personal bool      `json:"personal"` // whether the events contain private fields
	Secret   int64     `json:"secret"`   // number of the secret that signs; the secret itself is never stored
	Reason   string    `json:"reason"`   // the operator's reason; not sealed
}

func (WebhookChanged) Type() string     { return "webhook.changed.v1" }
func (e WebhookChanged) Stream() Stream { return webhookStream(e.Webhook) }
func (e WebhookChanged) evolve(Webhook) Webhook {
	return Webhook{true, e.URL, e.Types, e.Personal, e.Secret}
}

// RemoveWebhook removes a webhook. What it has not sent is not sent any more.
type RemoveWebhook struct {
	Webhook WebhookID `json:"webhook"` // name of the webhook
	Reason  string    `json:"reason"`  // the operator's reason, stored in the event: up to 100 characters; must not identify a person
}

func (RemoveWebhook) Type() string { return "webhook.remove" }

func (c RemoveWebhook) Reads(Actor) []Stream { return []Stream{webhookStream(c.Webhook), webhookCount} }

func (c RemoveWebhook) decide(view View) ([]Event, error) {
	count := view.webhookCount()
	if _, err := view.existingWebhook(c.Webhook); err != nil {
		return nil, err
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	return []Event{WebhookRemoved{c.Webhook, reason, count - 1}}, nil
}

// WebhookRemoved records that a webhook sends nothing any more.
type WebhookRemoved struct {
	Webhook WebhookID `json:"webhook"` // name of the webhook
	Reason  string    `json:"reason"`  // the operator's reason; not sealed
	Count   int64     `json:"count"`   // number of webhooks that now exist
}

func (WebhookRemoved) Type() string     { return "webhook.removed.v1" }
func (e WebhookRemoved) Stream() Stream { return webhookStream(e.Webhook) }
func (e WebhookRemoved) count() int64   { return e.Count }
func (e WebhookRemoved) evolve(w Webhook) Webhook {
	return Webhook{Secret: w.Secret} // a webhook that is added again under the name has another secret
}

// ReplayWebhook moves a webhook to a position. If the webhook has sent later events, it sends them again. If the
// position is ahead of the webhook, the events in between are left out.
type ReplayWebhook struct {
	Webhook WebhookID `json:"webhook"` // name of the webhook
	After   int64     `json:"after"`   // position in the log: the events after it are sent
	Reason  string    `json:"reason"`  // the operator's reason, stored in the event: up to 100 characters; must not identify a person
}

func (ReplayWebhook) Type() string { return "webhook.replay" }

func (c ReplayWebhook) Reads(Actor) []Stream { return []Stream{webhookStream(c.Webhook)} }

func (c ReplayWebhook) decide(view View) ([]Event, error) {
	if _, err := view.existingWebhook(c.Webhook); err != nil {
		return nil, err
	}
	reason, err := operatorReason(c.Reason)
	switch {
	case err != nil:
		return nil, err
	case c.After < 0:
		return nil, refuse(CodeNumberOutOfRange, "after must be at least 0")
	}
	return []Event{WebhookReplayed{c.Webhook, c.After, reason}}, nil
}

// WebhookReplayed records that a webhook continues after a position.
type WebhookReplayed struct {
	Webhook WebhookID `json:"webhook"` // name of the webhook
	After   int64     `json:"after"`   // position in the log: the events after it are sent
	Reason  string    `json:"reason"`  // the operator's reason; not sealed
}

func (WebhookReplayed) Type() string               { return "webhook.replayed.v1" }
func (e WebhookReplayed) Stream() Stream           { return webhookStream(e.Webhook) }
func (e WebhookReplayed) evolve(w Webhook) Webhook { return w }
