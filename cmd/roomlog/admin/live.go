package admin

import (
	"context"
	"time"

	"roomlog/cmd/roomlog/cli"
	"roomlog/domain"
)

// maxLives is the maximum number of lives in the output.
const maxLives = 500

type liveList struct {
	All bool `help:"Include lives that are not on air: the newest 500."`
}

func (c *liveList) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		lives, err := b.queries.LivesOnAir(ctx, maxLives)
		empty := "No live is on air: --all lists other lives as well"
		if c.All {
			lives, err = b.queries.Lives(ctx, 1, maxLives)
			empty = "There are no lives: users create them at POST /api/live/create"
		}
		if err != nil {
			return err
		}
		t := newTable(sh.Stdout, "ID", "STREAMER", "NAME", "TITLE", "STATUS", "ONLINE", "COINS", "SINCE")
		for _, l := range lives {
			t.row(l.ID, l.UserID, l.Owner.Name(), l.Title, statusText(l.Status), l.Online, l.Coin, l.CreatedAt.UTC().Format(time.DateTime))
		}
		return t.end(empty)
	})
}

func statusText(s domain.Status) string {
	return map[domain.Status]string{
		domain.StatusNotStarted: "not started", domain.StatusOnAir: "on air", domain.StatusPaused: "paused", domain.StatusEnded: "ended",
	}[s]
}

type liveStop struct {
	reasonFlag `embed:""`
	Live       int64 `min:"1" arg:"" help:"Live, see roomlog live list."`
}

func (c *liveStop) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		receipt, err := b.execute(ctx, domain.ChangeLiveStatus{Live: domain.LiveID(c.Live), To: domain.LiveStop, Reason: c.Reason})
		if err != nil {
			return err
		}
		return printDone(sh, receipt, "live %d has ended", c.Live)
	})
}
