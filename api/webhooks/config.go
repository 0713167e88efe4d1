package webhooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"roomlog/eventstore"
	"roomlog/internal/limit"
	"roomlog/internal/webhook"
	"roomlog/projections"
)

// Settings selects how webhooks are sent.
type Settings struct {
	WebhookTimeout    time.Duration `default:"10s" min:"10ms" max:"1m" help:"Maximum duration of one request to the receiver of a webhook."`
	WebhookRetryFor   time.Duration `default:"72h" min:"1s" max:"720h" help:"Time for which an event is sent again to the receiver of a webhook that does not accept it. After it, the event becomes a dead letter."`
	WebhookFirstRetry time.Duration `default:"5s" min:"10ms" max:"1h" help:"Pause before an event is sent again to the receiver of a webhook. Each later pause is twice as long."`
	WebhookLastRetry  time.Duration `default:"1h" min:"10ms" max:"24h" help:"Maximum pause between two attempts to send an event to the receiver of a webhook."`
	WebhookNetworks   []string      `placeholder:"NETWORK" help:"Networks inside which receivers of webhooks are permitted, such as 10.1.0.0/16, also with http. Default: only public addresses, with https."`
	WebhookLives      int           `default:"1000" min:"1" max:"100000" unit:"lives" help:"Maximum number of lives of one webhook whose events wait for another attempt. While so many wait, the webhook sends no events of other lives."`
}

// CheckSettings checks the networks and the pauses.
func (s *Settings) CheckSettings() error {
	if _, err := limit.ParseProxies(s.WebhookNetworks); err != nil {
		return fmt.Errorf("--webhook-networks: %w", err)
	}
	if s.WebhookFirstRetry > s.WebhookLastRetry {
		return fmt.Errorf("--webhook-first-retry must be at most --webhook-last-retry, %v (got %v)", s.WebhookLastRetry, s.WebhookFirstRetry)
	}
	return nil
}

// Config configures a Deliverer. Store, Queries and Keys are required.
type Config struct {
	Settings

	Store   *eventstore.Store
	Queries *projections.Queries
	Keys    [][]byte // the keys from which the secrets of webhooks are derived, newest first; every one signs
	Schemas string   // URL of the folder of the JSON Schemas; "": events name no schema
	Log     *slog.Logger

	Poll time.Duration // interval at which changes of webhooks are noticed; default 1 s
}

func (c Config) guard() (*webhook.Guard, error) {
	networks, err := limit.ParseProxies(c.WebhookNetworks)
	if err != nil {
		return nil, fmt.Errorf("--webhook-networks: %w", err)
	}
	return &webhook.Guard{Networks: networks}, nil
}

// KeysOf returns the keys of webhooks for the secrets of tokens, newest first. All servers have these secrets, and the database
// does not contain them.
func KeysOf(tokens []string) [][]byte {
	keys := make([][]byte, len(tokens))
	for i, secret := range tokens {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte("roomlog webhooks"))
		keys[i] = mac.Sum(nil)
	}
	return keys
}

// Secrets returns the secrets that sign the requests of a webhook, the newest first: one for each key. For 24 hours after the
// secret was replaced, the former secret signs, too.
func Secrets(keys [][]byte, w projections.Webhook, now time.Time) []webhook.Secret {
	var secrets []webhook.Secret
	for _, key := range keys {
		secrets = append(secrets, webhook.Derive(key, fmt.Sprintf("%s %d", w.ID, w.Secret)))
		if w.Renewed != nil && w.Secret > 1 && now.Sub(*w.Renewed) < formerSecret {
			secrets = append(secrets, webhook.Derive(key, fmt.Sprintf("%s %d", w.ID, w.Secret-1)))
		}
	}
	return secrets
}

// formerSecret is the time for which a replaced secret signs.
const formerSecret = 24 * time.Hour

var errConfig = errors.New("webhooks: Store, Queries and Keys of Config are required")
