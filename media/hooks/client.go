package hooks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"roomlog/internal/webhook"
)

// errEncoding is wrapped when a notification cannot be encoded.
var errEncoding = errors.New("hooks: notification cannot be encoded as JSON")

// client sends webhook requests. It is safe for concurrent use.
type client struct {
	cfg  Config
	http *webhook.Client
}

func newClient(cfg Config) *client {
	return &client{cfg, webhook.NewClient(webhook.Config{Timeout: cfg.HookTimeout, MaxRequests: maxConns})}
}

// post sends a notification once and returns the HTTP status of the response. HookTimeout begins when fewer than maxConns other
// requests are being sent. Until then post waits as long as ctx permits.
func (c *client) post(ctx context.Context, n Notification) (status int, err error) {
	body, err := json.Marshal(n)
	if err != nil {
		return 0, fmt.Errorf("hook %s: %w: %w", n.Hook, errEncoding, err)
	}
	response, err := c.http.Post(ctx, webhook.Request{URL: c.cfg.HookURL, ContentType: "application/json", Body: body, Sign: func(h http.Header) error {
		h.Set("Roomlog-Hook", n.Hook)
		h.Set("Roomlog-Signature", webhook.Sign(c.cfg.HookSecret, c.cfg.Now(), body))
		return nil
	}})
	if err != nil {
		return 0, fmt.Errorf("hook %s: %w", n.Hook, err)
	}
	return response.Status, nil
}

// isRejection reports whether a status rejects the request: 4xx except 408, 425 and 429. Other errors may be
// temporary.
func isRejection(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status >= 400 && status < 500
}
