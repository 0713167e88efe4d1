package api_test

import (
	"net/http"
	"strings"
	"testing"

	"roomlog/api"
	"roomlog/api/webhooks"
	"roomlog/domain"
)

// TestWebhooksOverREST adds, changes, replays and removes a webhook, and reads its dead letters.
func TestWebhooksOverREST(t *testing.T) {
	t.Parallel()
	d := startAPI(t, func(c *api.Config) { c.WebhookKeys = webhooks.KeysOf([]string{tokenSecret}) })
	anybody, op := d.account("alice"), d.account("carol").grant(domain.RoleOperator)
	type listed struct {
		ID             string
		URL            string
		Types          []string
		Personal       bool
		Position, Head int64
		Dead           int64
	}
	list := func() (all []listed) {
		op.get("/api/operator/webhooks").ok(&all)
		return all
	}
	const add, change = "/api/operator/webhook", "/api/operator/webhook/change"
	request := object{"webhook": "billing", "url": "https://hooks.example/a", "types": []string{"gift.*"}, "from": "1", "reason": "new receiver"}
	anybody.post(add, request).expectFailure(http.StatusForbidden, domain.CodeForbidden, textNoToken)
	op.post(add, object{"webhook": "billing", "url": "https://a:b@hooks.example/"}).expectFailure(http.StatusBadRequest, domain.CodeTextInvalid, "参数错误")
	op.post(add, object{"webhook": "billing", "url": "https://hooks.example/", "types": []string{"gifts.*"}}).expectFailure(http.StatusBadRequest, domain.CodeTextInvalid, "参数错误")
	op.post(add, object{"webhook": "billing", "url": "https://hooks.example/", "personal": true}).expectFailure(http.StatusForbidden, domain.CodeForbidden, textNoToken)
	op.post(add, object{"webhook": "billing", "url": "https://hooks.example/", "from": "1000000"}).expectFailure(http.StatusBadRequest, domain.CodeBadRequest, "参数错误")
	type secrets struct{ Secrets []string }
	var added, read, renewed secrets
	op.post(add, request).ok(&added)
	op.post(add, request).expectFailure(http.StatusConflict, domain.CodeWebhookExists, "该 Webhook 已存在")
	if got := list(); len(got) != 1 || got[0].ID != "billing" || got[0].URL != "https://hooks.example/a" || got[0].Position != 0 || got[0].Head == 0 {
		t.Errorf("got %+v", got)
	}
	op.get("/api/operator/webhook/billing/secrets").ok(&read)
	if len(added.Secrets) != 1 || len(read.Secrets) != 1 || added.Secrets[0] != read.Secrets[0] || !strings.HasPrefix(added.Secrets[0], "whsec_") {
		t.Errorf("added with %d secrets, read %d", len(added.Secrets), len(read.Secrets))
	}
	op.post(change, object{"webhook": "billing", "url": "https://hooks.example/b", "renew": true}).ok(nil)
	op.get("/api/operator/webhook/billing/secrets").ok(&renewed)
	if len(renewed.Secrets) != 2 || renewed.Secrets[0] == added.Secrets[0] || renewed.Secrets[1] != added.Secrets[0] {
		t.Error("the secret was not renewed, or the former one does not sign")
	}
	op.grant(domain.RolePersonal).post(change, object{"webhook": "billing", "url": "https://hooks.example/b", "personal": true}).ok(nil)
	if got := list(); len(got) != 1 || got[0].URL != "https://hooks.example/b" || len(got[0].Types) != 0 || !got[0].Personal {
		t.Errorf("got %+v", got)
	}
	op.post("/api/operator/webhook/replay", object{"webhook": "billing", "from": "4"}).ok(nil)
	if got := list(); got[0].Position != 3 {
		t.Errorf("got %+v, want position 3", got)
	}
	var dead []struct{ Position int64 }
	op.get("/api/operator/webhook/billing/dead").ok(&dead)
	var retried struct{ Count int64 }
	op.post("/api/operator/webhook/retry", object{"webhook": "billing"}).ok(&retried)
	if len(dead) != 0 || retried.Count != 0 {
		t.Errorf("got %v, %d", dead, retried.Count)
	}
	op.post("/api/operator/webhook/remove", object{"webhook": "billing", "reason": "over"}).ok(nil)
	op.get("/api/operator/webhook/billing/secrets").expectFailure(http.StatusNotFound, domain.CodeWebhookNotFound, "该 Webhook 不存在")
	op.post("/api/operator/webhook/remove", object{"webhook": "billing"}).expectFailure(http.StatusNotFound, domain.CodeWebhookNotFound, "该 Webhook 不存在")
	if got := list(); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
}
