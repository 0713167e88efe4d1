package main

import (
	"context"
	"time"

	"roomlog/domain"
)

// livesAtOnce is how many rooms are shown.
const livesAtOnce = 500

type liveList struct {
	All bool `help:"Also those that are not on air: the newest 500."`
}

// Run carries the command out.
func (c *liveList) Run(ctx context.Context, g *globals, sh shell) error {
	return g.atDesk(ctx, sh, func(ctx context.Context, d *desk) error {
		if err := d.upToDate(ctx); err != nil {
			return err
		}
		lives, err := d.queries.LivesOnAir(ctx, livesAtOnce)
		none := "Nobody is on air: --all shows other rooms as well"
		if c.All {
			lives, err = d.queries.Lives(ctx, 1, livesAtOnce)
			none = "No rooms yet: people make them at POST /api/live/create"
		}
		if err != nil {
			return err
		}
		t := newTable(sh.stdout, "ID", "STREAMER", "NAME", "TITLE", "STATUS", "ONLINE", "COINS", "SINCE")
		for _, l := range lives {
			t.row(l.ID, l.UserID, l.Owner.Name(), l.Title, standing(l.Status), l.Online, l.Coin, l.CreatedAt.UTC().Format(time.DateTime))
		}
		return t.end(none)
	})
}

func standing(s domain.Status) string {
	return map[domain.Status]string{
		domain.StatusNotStarted: "not started", domain.StatusOnAir: "on air", domain.StatusPaused: "paused", domain.StatusEnded: "ended",
	}[s]
}

type liveStop struct {
	Live int64 `arg:"" help:"The id, see roomlog live list."`
}

// Run carries the command out.
func (c *liveStop) Run(ctx context.Context, g *globals, sh shell) error {
	return g.atDesk(ctx, sh, func(ctx context.Context, d *desk) error {
		receipt, err := d.change(ctx, domain.ChangeLiveStatus{Live: domain.LiveID(c.Live), To: domain.LiveStop})
		if err != nil {
			return err
		}
		return done(sh, receipt, "live %d has ended", c.Live)
	})
}
