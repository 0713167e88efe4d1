package admin

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"roomlog/api/webhooks"
	"roomlog/cmd/roomlog/cli"
	"roomlog/domain"
	"roomlog/eventstore/place"
	"roomlog/projections"
)

// webhookTarget contains the flags for the URL of a webhook and the events that it sends.
type webhookTarget struct {
	reasonFlag `embed:""`
	Webhook    string   `arg:"" help:"Name of the webhook: 1 to 32 characters of A-Z, a-z, 0-9 and hyphen."`
	URL        string   `name:"url" required:"" placeholder:"URL" help:"URL to which events are sent. It must not contain a secret, because the log contains it."`
	Type       []string `placeholder:"TYPE" help:"Types like gift.sent.v2 and prefixes like gift.*, separated by commas. Default: all events."`
	Personal   bool     `help:"Send private fields, too."`
}

type webhookAdd struct {
	webhookTarget `embed:""`
	From          string `placeholder:"PLACE" help:"Position, time or day of the first event. Default: only events that are new."`
}

func (webhookAdd) Help() string {
	return `Example:

  roomlog webhooks add billing --url https://hooks.example/roomlog --type gift.*,ticket.*

The command prints the secret with which the receiver checks signatures. Next: roomlog webhooks list`
}

func (c *webhookAdd) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		keys, err := webhookKeys(g, sh)
		if err != nil {
			return err
		}
		after, err := b.placeBefore(ctx, c.From)
		if err != nil {
			return err
		}
		receipt, err := b.execute(ctx, domain.AddWebhook{Webhook: domain.WebhookID(c.Webhook), URL: c.URL, Types: c.Type, Personal: c.Personal, After: after, Reason: c.Reason})
		if err != nil {
			return err
		}
		if err := printDone(sh, receipt, "webhook %s sends the events after position %d", c.Webhook, after); err != nil {
			return err
		}
		return b.printSecrets(ctx, sh, c.Webhook, keys)
	})
}

type webhookChange struct {
	webhookTarget `embed:""`
	Renew         bool `help:"Replace the secret. The old one also signs for another 24 hours."`
}

func (c *webhookChange) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		keys, err := webhookKeys(g, sh)
		if err != nil {
			return err
		}
		receipt, err := b.execute(ctx, domain.ChangeWebhook{Webhook: domain.WebhookID(c.Webhook), URL: c.URL, Types: c.Type, Personal: c.Personal, Renew: c.Renew, Reason: c.Reason})
		if err != nil {
			return err
		}
		if err := printDone(sh, receipt, "webhook %s is changed", c.Webhook); err != nil {
			return err
		}
		return b.printSecrets(ctx, sh, c.Webhook, keys)
	})
}

type webhookSecrets struct {
	Webhook string `arg:"" help:"Name of the webhook, see roomlog webhooks list."`
}

func (c *webhookSecrets) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		keys, err := webhookKeys(g, sh)
		if err != nil {
			return err
		}
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		return b.printSecrets(ctx, sh, c.Webhook, keys)
	})
}

type webhookRemove struct {
	reasonFlag `embed:""`
	Webhook    string `arg:"" help:"Name of the webhook, see roomlog webhooks list."`
}

func (c *webhookRemove) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		receipt, err := b.execute(ctx, domain.RemoveWebhook{Webhook: domain.WebhookID(c.Webhook), Reason: c.Reason})
		if err != nil {
			return err
		}
		return printDone(sh, receipt, "webhook %s is removed", c.Webhook)
	})
}

type webhookReplay struct {
	reasonFlag `embed:""`
	Webhook    string `arg:"" help:"Name of the webhook, see roomlog webhooks list."`
	From       string `placeholder:"PLACE" help:"Position, time or day of the first event. Default: only events that are new."`
}

func (webhookReplay) Help() string {
	return `The receiver gets the events from the place on, also those that it has accepted before, with the same webhook-id. Without --from the
webhook leaves out everything up to now.

  roomlog webhooks replay billing --from 2026-01-31 --reason "the receiver has lost its database"`
}

func (c *webhookReplay) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		after, err := b.placeBefore(ctx, c.From)
		if err != nil {
			return err
		}
		receipt, err := b.execute(ctx, domain.ReplayWebhook{Webhook: domain.WebhookID(c.Webhook), After: after, Reason: c.Reason})
		if err != nil {
			return err
		}
		return printDone(sh, receipt, "webhook %s sends the events after position %d", c.Webhook, after)
	})
}

type webhookList struct{}

func (*webhookList) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		found, err := b.queries.Webhooks(ctx)
		if err != nil {
			return err
		}
		progress, err := webhooks.NewTables(b.owner).Cursors(ctx)
		if err != nil {
			return err
		}
		head, err := b.store.Head(ctx)
		if err != nil {
			return err
		}
		t := newTable(sh.Stdout, "WEBHOOK", "URL", "TYPES", "PERSONAL", "POSITION", "HEAD", "BLOCKED LIVES", "DEAD", "STATUS", "ERROR")
		for _, w := range found {
			p := progress[w.ID]
			if p.Start != w.Start {
				p = webhooks.Progress{Cursor: webhooks.Cursor{Position: w.After}}
			}
			wrong := p.Error
			if p.Halted != "" {
				wrong = "halted: " + p.Halted
			}
			t.row(w.ID, w.URL, orDash(strings.Join(w.Types, ",")), w.Personal, p.Position, head, p.Blocked, p.Dead, p.Status, orDash(wrong))
		}
		return t.end("There are no webhooks.")
	})
}

type webhookDead struct {
	Webhook string `arg:"" help:"Name of the webhook, see roomlog webhooks list."`
	After   int64  `min:"0" placeholder:"POSITION" help:"List only events after this position."`
	Limit   int    `min:"1" max:"500" default:"50" placeholder:"N" help:"Maximum number of dead letters, 50 by default."`
}

func (c *webhookDead) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		found, err := webhooks.NewTables(b.owner).Dead(ctx, domain.WebhookID(c.Webhook), c.After, c.Limit)
		if err != nil {
			return err
		}
		t := newTable(sh.Stdout, "POSITION", "LIVE", "TYPE", "STATUS", "ERROR", "LAST ATTEMPT", "RETRY")
		for _, d := range found {
			t.row(d.Position, d.Live, d.Type, d.Status, d.Error, d.DiedAt.Format(time.RFC3339), d.Retry)
		}
		return t.end("The webhook has no dead letters.")
	})
}

type webhookRetry struct {
	Webhook  string `arg:"" help:"Name of the webhook, see roomlog webhooks list."`
	Position int64  `min:"1" placeholder:"POSITION" help:"Position of the dead letter. Default: all dead letters."`
}

func (webhookRetry) Help() string {
	return `A running server sends each dead letter once more. It is then either accepted and no dead letter any more, or stays one.`
}

func (c *webhookRetry) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		n, err := webhooks.NewTables(b.owner).Retry(ctx, domain.WebhookID(c.Webhook), c.Position)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(sh.Stdout, "%s will be sent again\n", cli.Count(n, "dead letter"))
		return err
	})
}

// placeBefore returns the position before a place of the log; without a place, the end of the log.
func (b *backend) placeBefore(ctx context.Context, text string) (int64, error) {
	head, err := b.store.Head(ctx)
	if err != nil || text == "" {
		return head, err
	}
	after, err := place.After(ctx, b.store, text, head)
	if err != nil {
		return 0, fmt.Errorf("--from %w", err)
	}
	return after, nil
}

// printSecrets prints the secrets of a webhook, the newest first.
func (b *backend) printSecrets(ctx context.Context, sh cli.Shell, id string, keys [][]byte) error {
	found, err := b.queries.Webhooks(ctx)
	if err != nil {
		return err
	}
	for _, w := range found {
		if w.ID == domain.WebhookID(id) {
			return printSecretsOf(sh, w, keys)
		}
	}
	return fmt.Errorf("there is no webhook %s: see roomlog webhooks list", id)
}

func printSecretsOf(sh cli.Shell, w projections.Webhook, keys [][]byte) error {
	if keys == nil {
		_, err := fmt.Fprintf(sh.Stdout, "the secret is that of the servers: run this command with their %s or data folder, or read GET /api/operator/webhook/%s/secrets\n", cli.JWTSecret, w.ID)
		return err
	}
	for _, secret := range webhooks.Secrets(keys, w, sh.Now()) {
		if _, err := fmt.Fprintf(sh.Stdout, "secret %s\n", secret.Reveal()); err != nil {
			return err
		}
	}
	return nil
}

// webhookKeys returns the keys of webhooks. It returns nil if this machine has no secret of tokens.
func webhookKeys(g *cli.Globals, sh cli.Shell) ([][]byte, error) {
	text, err := cli.Variable(sh.Getenv, cli.JWTSecret)
	if err != nil {
		return nil, err
	}
	if text == "" {
		dir, err := g.DataDir(sh)
		if err != nil {
			return nil, nil //nolint:nilerr // there is no data folder
		}
		if text, err = cli.ReadSmallFile(filepath.Join(dir, "secrets", "jwt")); err != nil {
			return nil, nil //nolint:nilerr // the servers run elsewhere
		}
	}
	return webhooks.KeysOf(strings.Fields(text)), nil
}
