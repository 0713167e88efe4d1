package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"roomlog/cmd/roomlog/cli"
	"roomlog/domain"
	"roomlog/projections"
	"roomlog/projections/acts"
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

type liveActs struct {
	Live int64 `min:"1" arg:"" help:"Live, see roomlog live list --all."`
	User int64 `min:"1" placeholder:"ID" help:"Only acts that concern this user."`
}

func (c *liveActs) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		if _, err := existingLive(ctx, b, c.Live); err != nil {
			return err
		}
		found, err := acts.List(ctx, b.store, acts.Filter{Live: domain.LiveID(c.Live), User: domain.UserID(c.User), Window: projections.Window{Limit: maxLives}})
		if err != nil {
			return err
		}
		t := newTable(sh.Stdout, "POSITION", "TIME", "BY", "ACT", "USER", "COMMENT", "HELD", "REPORT", "VALUE", "UNTIL", "REASON")
		for _, a := range found {
			until := ""
			if a.Until != 0 {
				until = time.Unix(a.Until, 0).UTC().Format(time.DateTime)
			}
			t.row(a.Position, a.At.Format(time.DateTime), a.Actor, a.Name(), numberOrDash(a.User), numberOrDash(a.Comment), numberOrDash(a.Held), numberOrDash(a.Report), valueText(a), orDash(until), orDash(a.Reason))
		}
		return t.end("Nobody has moderated the live")
	})
}

// valueText returns the mode that an act has set, or the decision about a report; "-" for other acts.
func valueText(a acts.Act) string {
	if a.Mode == "" {
		return orDash(string(a.Decision))
	}
	return fmt.Sprintf("%s=%d", a.Mode, a.Value)
}

type liveMode struct {
	reasonFlag `embed:""`
	Live       int64         `min:"1" required:"" placeholder:"ID" help:"Live, see roomlog live list."`
	Mode       string        `arg:"" enum:"mute_all,slow,members,links_off,followers,stickers,review" help:"Mode: mute_all, slow, members, links_off, followers, stickers or review."`
	Value      int64         `arg:"" min:"0" max:"525600" help:"0 switches the mode off. Seconds of slow, 1 to 3600; minutes of members, 1 to 525600; followers: 1, or minutes for which a user must have followed; 1 for the others."`
	For        time.Duration `placeholder:"TIME" min:"1s" max:"87600h" help:"Time until the mode ends, in whole seconds, like 90m or 24h, at most 87600h. Default: it has no end"`
}

// AfterApply refuses durations that a mode cannot have.
func (c *liveMode) AfterApply() error { return checkBan(c.For, c.Reason) }

func (c *liveMode) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	command := domain.SetMode{Live: domain.LiveID(c.Live), Mode: domain.ModeName(c.Mode), Value: c.Value, Seconds: int64(c.For / time.Second), Reason: c.Reason}
	return executeOne(ctx, g, sh, command, "the mode %s of live %d is %d", c.Mode, c.Live, c.Value)
}

type moderatorAppoint struct {
	reasonFlag `embed:""`
	Live       int64 `min:"1" required:"" placeholder:"ID" help:"Live that the user moderates."`
	User       int64 `min:"1" required:"" placeholder:"ID" help:"User to appoint, see roomlog user list."`
}

func (c *moderatorAppoint) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	command := domain.AppointModerator{Live: domain.LiveID(c.Live), User: domain.UserID(c.User), Reason: c.Reason}
	return executeOne(ctx, g, sh, command, "user %d moderates live %d", c.User, c.Live)
}

type moderatorRemove struct {
	reasonFlag `embed:""`
	Live       int64 `min:"1" required:"" placeholder:"ID" help:"Live that the user moderates."`
	User       int64 `min:"1" required:"" placeholder:"ID" help:"Moderator to remove."`
}

func (c *moderatorRemove) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	command := domain.RemoveModerator{Live: domain.LiveID(c.Live), User: domain.UserID(c.User), Reason: c.Reason}
	return executeOne(ctx, g, sh, command, "user %d no longer moderates live %d", c.User, c.Live)
}

type moderatorList struct {
	Live int64 `min:"1" arg:"" help:"Live, see roomlog live list --all."`
}

func (c *moderatorList) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		if _, err := existingLive(ctx, b, c.Live); err != nil {
			return err
		}
		found, err := b.queries.Moderators(ctx, domain.LiveID(c.Live))
		if err != nil {
			return err
		}
		t := newTable(sh.Stdout, "USER", "NAME")
		for _, m := range found {
			t.row(m.ID, m.Name())
		}
		return t.end("The live has no moderators")
	})
}

type wordsAdd struct {
	Live  int64    `min:"1" placeholder:"ID" help:"Live whose list changes. Default: the list of the service, which applies to all lives"`
	Exact bool     `help:"The words must stand alone. Default: they may be a part of another word"`
	Mask  bool     `xor:"act" help:"Replace the words by asterisks. Default: refuse comments that contain them"`
	Hold  bool     `xor:"act" help:"Hold comments that contain the words for a review"`
	Words []string `arg:"" help:"Words, at most 500."`
}

func (c *wordsAdd) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	what := domain.WordRefuse
	switch {
	case c.Mask:
		what = domain.WordMask
	case c.Hold:
		what = domain.WordHold
	}
	return executeOne(ctx, g, sh, domain.AddWords{Live: domain.LiveID(c.Live), Words: c.Words, Exact: c.Exact, Act: what}, "the words are in the list")
}

type wordsRemove struct {
	Live  int64    `min:"1" placeholder:"ID" help:"Live whose list changes. Default: the list of the service"`
	Words []string `arg:"" help:"Words, at most 500."`
}

func (c *wordsRemove) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return executeOne(ctx, g, sh, domain.RemoveWords{Live: domain.LiveID(c.Live), Words: c.Words}, "the words are not in the list")
}

type wordsList struct {
	Live int64 `min:"1" placeholder:"ID" help:"Live. Default: the list of the service, which applies to all lives"`
}

func (c *wordsList) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		found, err := acts.Words(ctx, b.store, domain.LiveID(c.Live))
		if err != nil {
			return err
		}
		t := newTable(sh.Stdout, "WORD", "EXACT", "MASK", "HOLD")
		for _, e := range found {
			t.row(e.Word, e.Exact, e.Mask, e.Hold)
		}
		return t.end("The list is empty")
	})
}

type commentRemove struct {
	reasonFlag `embed:""`
	Live       int64 `min:"1" required:"" placeholder:"ID" help:"Live to which the comment belongs."`
	Position   int64 `min:"1" required:"" placeholder:"N" help:"Position of the comment in the log."`
}

func (c *commentRemove) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		command, err := b.queries.RemoveComment(ctx, domain.LiveID(c.Live), c.Position, c.Reason)
		if err != nil {
			return err
		}
		receipt, err := b.execute(ctx, command)
		if err != nil {
			return err
		}
		return printDone(sh, receipt, "comment %d is removed", c.Position)
	})
}

type commentClear struct {
	reasonFlag `embed:""`
	Live       int64 `min:"1" required:"" placeholder:"ID" help:"Live to which the comments belong."`
	User       int64 `min:"1" required:"" placeholder:"ID" help:"Author of the comments."`
}

func (c *commentClear) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	command := domain.ClearComments{Live: domain.LiveID(c.Live), User: domain.UserID(c.User), Reason: c.Reason}
	return executeOne(ctx, g, sh, command, "the comments of user %d in live %d are removed", c.User, c.Live)
}

type liveAge struct {
	Live   int64 `min:"1" arg:"" help:"Live, see roomlog live list."`
	MinAge int   `min:"0" max:"100" arg:"" help:"Age in years that the profile of a viewer must have, 1 to 100; 0: none."`
}

func (c *liveAge) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		receipt, err := b.execute(ctx, domain.SetMinAge{Live: domain.LiveID(c.Live), MinAge: c.MinAge})
		if err != nil {
			return err
		}
		if c.MinAge == 0 {
			return printDone(sh, receipt, "live %d is for users of every age", c.Live)
		}
		return printDone(sh, receipt, "live %d is for users of at least %d years", c.Live, c.MinAge)
	})
}

type liveAccess struct {
	Live   int64  `min:"1" arg:"" help:"Live, see roomlog live list --all."`
	Access string `arg:"" enum:"open,unlisted,followers,invited,paid" help:"Access: open, unlisted, followers, invited or paid. A password is set with POST /api/live/access."`
	Price  int64  `min:"1" max:"1000000" placeholder:"COINS" help:"Price of a ticket, for the access paid."`
}

// AfterApply refuses an access without its price, and a price without the access paid.
func (c *liveAccess) AfterApply() error {
	if paid := domain.AccessKind(c.Access) == domain.AccessPaid; paid != (c.Price != 0) {
		return errors.New("set --price for the access paid, and for no other access")
	}
	return nil
}

func (c *liveAccess) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	command := domain.SetAccess{Live: domain.LiveID(c.Live), Access: domain.AccessKind(c.Access), Price: domain.Coins(c.Price)}
	return executeOne(ctx, g, sh, command, "the access of live %d is %s", c.Live, c.Access)
}

type invitationList struct {
	Live int64 `min:"1" arg:"" help:"Live, see roomlog live list --all."`
}

func (c *invitationList) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		if _, err := existingLive(ctx, b, c.Live); err != nil {
			return err
		}
		found, err := b.queries.Invitations(ctx, domain.LiveID(c.Live))
		if err != nil {
			return err
		}
		t := newTable(sh.Stdout, "INVITATION", "USES", "USED", "UNTIL")
		for _, i := range found {
			until := ""
			if i.Until != 0 {
				until = time.Unix(i.Until, 0).UTC().Format(time.DateTime)
			}
			t.row(i.ID, i.Uses, i.Used, orDash(until))
		}
		return t.end("The live has no invitations")
	})
}

type invitationRevoke struct {
	Live       int64 `min:"1" arg:"" help:"Live, see roomlog live list --all."`
	Invitation int64 `min:"1" arg:"" help:"Number of the invitation, see roomlog invitation list."`
}

func (c *invitationRevoke) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	command := domain.RevokeInvitation{Live: domain.LiveID(c.Live), Invitation: c.Invitation}
	return executeOne(ctx, g, sh, command, "invitation %d to live %d is revoked", c.Invitation, c.Live)
}
