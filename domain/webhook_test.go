package domain_test

import (
	"slices"
	"strings"
	"testing"

	"roomlog/domain"
)

const hookURL = "https://hooks.example/roomlog?a=b"

func TestWebhooks(t *testing.T) {
	added := domain.WebhookAdded{Webhook: "billing", URL: hookURL, Types: []string{"gift.*"}, Secret: 1, After: 7, Reason: "contract", Count: 1}
	removed := domain.WebhookRemoved{Webhook: "billing", Reason: "over"}
	add := func(change func(*domain.AddWebhook)) domain.AddWebhook {
		c := domain.AddWebhook{Webhook: "billing", URL: hookURL, Types: []string{"gift.*"}, After: 7, Reason: "contract"}
		if change != nil {
			change(&c)
		}
		return c
	}
	again := added
	again.Secret = 2
	full := added
	full.Count = domain.MaxWebhooks
	exists := []domain.Event{added}
	run(t, []spec{
		{name: "are added", by: operator, when: add(nil), then: []domain.Event{added}},
		{name: "are added again with another secret", given: events(exists, []domain.Event{removed}), by: operator, when: add(nil), then: []domain.Event{again}},
		{name: "are added by operators only", when: add(nil), refused: domain.CodeForbidden},
		{name: "have a name of their own", given: exists, by: operator, when: add(nil), refused: domain.CodeWebhookExists},
		{name: "are limited in number", given: []domain.Event{full}, by: operator, when: add(func(c *domain.AddWebhook) { c.Webhook = "other" }), refused: domain.CodeWebhooksTooMany},
		{name: "have no dot in their name", by: operator, when: add(func(c *domain.AddWebhook) { c.Webhook = "a.b" }), refused: domain.CodeTextInvalid},
		{name: "have a name", by: operator, when: add(func(c *domain.AddWebhook) { c.Webhook = "" }), refused: domain.CodeTextInvalid},
		{name: "have a short name", by: operator, when: add(func(c *domain.AddWebhook) { c.Webhook = domain.WebhookID(strings.Repeat("a", 33)) }), refused: domain.CodeTextInvalid},
		{name: "have no password in their URL", by: operator, when: add(func(c *domain.AddWebhook) { c.URL = "https://a:b@hooks.example/" }), refused: domain.CodeTextInvalid},
		{name: "have an http URL", by: operator, when: add(func(c *domain.AddWebhook) { c.URL = "ftp://hooks.example/" }), refused: domain.CodeTextInvalid},
		{name: "send types that exist", by: operator, when: add(func(c *domain.AddWebhook) { c.Types = []string{"gift.*", "gifts.*"} }), refused: domain.CodeTextInvalid},
		{name: "send at most 100 types", by: operator, when: add(func(c *domain.AddWebhook) { c.Types = slices.Repeat([]string{"gift.*"}, 101) }), refused: domain.CodeNumberOutOfRange},
		{name: "begin in the log", by: operator, when: add(func(c *domain.AddWebhook) { c.After = -1 }), refused: domain.CodeNumberOutOfRange},
		{name: "have a reason that can be read", by: operator, when: add(func(c *domain.AddWebhook) { c.Reason = strings.Repeat("a", 101) }), refused: domain.CodeTextTooLong},
		{
			name: "are changed", given: exists, by: operator, when: domain.ChangeWebhook{Webhook: "billing", URL: "http://10.0.0.7/", Personal: true, Renew: true, Reason: "moved"},
			then: []domain.Event{domain.WebhookChanged{Webhook: "billing", URL: "http://10.0.0.7/", Types: []string{}, Personal: true, Secret: 2, Reason: "moved"}},
		},
		{name: "do not change without a difference", given: exists, by: operator, when: domain.ChangeWebhook{Webhook: "billing", URL: hookURL, Types: []string{"gift.*"}}},
		{name: "are not changed if they do not exist", by: operator, when: domain.ChangeWebhook{Webhook: "billing", URL: hookURL}, refused: domain.CodeWebhookNotFound},
		{name: "are not changed to a bad URL", given: exists, by: operator, when: domain.ChangeWebhook{Webhook: "billing", URL: "x"}, refused: domain.CodeTextInvalid},
		{name: "are removed", given: exists, by: operator, when: domain.RemoveWebhook{Webhook: "billing", Reason: "over"}, then: []domain.Event{removed}},
		{name: "are removed once", given: events(exists, []domain.Event{removed}), by: operator, when: domain.RemoveWebhook{Webhook: "billing"}, refused: domain.CodeWebhookNotFound},
		{name: "are replayed", given: exists, by: operator, when: domain.ReplayWebhook{Webhook: "billing", After: 3, Reason: "lost"}, then: []domain.Event{domain.WebhookReplayed{Webhook: "billing", After: 3, Reason: "lost"}}},
		{name: "are replayed if they exist", by: operator, when: domain.ReplayWebhook{Webhook: "billing"}, refused: domain.CodeWebhookNotFound},
		{name: "are replayed from a position of the log", given: exists, by: operator, when: domain.ReplayWebhook{Webhook: "billing", After: -1}, refused: domain.CodeNumberOutOfRange},
	})
}

func TestStoredTypes(t *testing.T) {
	for want, stored := range map[string][]string{
		"gift.sent.v2": {"gift.sent.v1", "gift.sent.v2"}, "gift.sent.v1": {"gift.sent.v1", "gift.sent.v2"},
		"webhook.*": {"webhook.added.v1", "webhook.changed.v1", "webhook.removed.v1", "webhook.replayed.v1"},
		"gift":      nil, "gif*": nil, "*": nil, "": nil,
	} {
		got := domain.StoredTypes(want)
		if slices.Sort(got); !slices.Equal(got, stored) {
			t.Errorf("%q: got %v, want %v", want, got, stored)
		}
	}
}
