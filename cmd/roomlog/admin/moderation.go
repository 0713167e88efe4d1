package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"roomlog/cmd/roomlog/cli"
	"roomlog/domain"
	"roomlog/projections"
	"roomlog/projections/dryrun"
)

type banCommand struct {
	User   int64         `min:"1" required:"" placeholder:"ID" help:"User to ban, see roomlog user list."`
	Live   int64         `min:"1" placeholder:"ID" help:"Ban from this live only. Default: from everything"`
	For    time.Duration `placeholder:"TIME" min:"1s" max:"87600h" help:"Duration in whole seconds, like 90m or 24h, at most 87600h. Default: until roomlog unban"`
	Reason string        `placeholder:"TEXT" help:"Shown to the user: at most 100 characters."`
}

func (banCommand) Help() string {
	return `Examples:

  roomlog ban --user 12 --for 1h --reason "cool down"
  roomlog ban --user 12 --live 6

The ban takes effect on every node at once: the user's connections are closed, or leave the live. A user who is banned
from everything cannot sign in, and the user's own lives end if they are on air. roomlog unban lifts the ban.`
}

// AfterApply refuses durations that a ban cannot have.
func (c *banCommand) AfterApply() error { return checkBan(c.For, c.Reason) }

// checkBan refuses durations and reasons that a ban, a mute or a mode cannot have.
func checkBan(period time.Duration, reason string) error {
	if period%time.Second != 0 {
		return fmt.Errorf("--for must be a positive number of whole seconds (got %s)", period)
	}
	return checkText("--reason", reason, 0, domain.MaxReason)
}

func (c *banCommand) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	user, seconds := domain.UserID(c.User), int64(c.For/time.Second)
	period := "until unbanned"
	if seconds > 0 {
		period = "for " + c.For.String()
	}
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if c.Live != 0 {
			receipt, err := b.execute(ctx, domain.BanViewer{Live: domain.LiveID(c.Live), User: user, Seconds: seconds, Reason: c.Reason})
			if err != nil {
				return err
			}
			return printDone(sh, receipt, "user %d is banned from live %d %s", c.User, c.Live, period)
		}
		receipt, err := b.executeAndEndLives(ctx, user, func(lives []domain.LiveID) domain.Command {
			return domain.BanUser{User: user, Seconds: seconds, Reason: c.Reason, Lives: lives}
		})
		if err != nil {
			return err
		}
		return printDone(sh, receipt, "user %d is banned %s", c.User, period)
	})
}

type unbanCommand struct {
	reasonFlag `embed:""`
	User       int64 `min:"1" required:"" placeholder:"ID" help:"User whose ban is lifted."`
	Live       int64 `min:"1" placeholder:"ID" help:"Lift the ban from this live. Default: the ban from everything"`
}

func (c *unbanCommand) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if c.Live == 0 {
			receipt, err := b.execute(ctx, domain.UnbanUser{User: domain.UserID(c.User), Reason: c.Reason})
			if err != nil {
				return err
			}
			return printDone(sh, receipt, "user %d is unbanned", c.User)
		}
		receipt, err := b.execute(ctx, domain.UnbanViewer{Live: domain.LiveID(c.Live), User: domain.UserID(c.User), Reason: c.Reason})
		if err != nil {
			return err
		}
		return printDone(sh, receipt, "user %d is unbanned from live %d", c.User, c.Live)
	})
}

type muteCommand struct {
	User   int64         `min:"1" required:"" placeholder:"ID" help:"User to mute, see roomlog user list."`
	Live   int64         `min:"1" required:"" placeholder:"ID" help:"Live in which the user may not comment."`
	For    time.Duration `placeholder:"TIME" min:"1s" max:"87600h" help:"Duration in whole seconds, like 90m or 24h, at most 87600h. Default: until roomlog unmute"`
	Reason string        `placeholder:"TEXT" help:"Recorded for the user and the owner of the live: at most 100 characters."`
}

func (muteCommand) Help() string {
	return `Examples:

  roomlog mute --user 12 --live 6 --for 10m --reason "cool down"
  roomlog mute --user 12 --live 6

The user may stay in the live, but may not comment. roomlog unmute ends the mute.`
}

// AfterApply refuses durations that a mute cannot have.
func (c *muteCommand) AfterApply() error { return checkBan(c.For, c.Reason) }

func (c *muteCommand) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	period := "until unmuted"
	if c.For > 0 {
		period = "for " + c.For.String()
	}
	command := domain.MuteViewer{Live: domain.LiveID(c.Live), User: domain.UserID(c.User), Seconds: int64(c.For / time.Second), Reason: c.Reason}
	return executeOne(ctx, g, sh, command, "user %d is muted in live %d %s", c.User, c.Live, period)
}

type unmuteCommand struct {
	reasonFlag `embed:""`
	User       int64 `min:"1" required:"" placeholder:"ID" help:"User whose mute ends."`
	Live       int64 `min:"1" required:"" placeholder:"ID" help:"Live in which the user may comment again."`
}

func (c *unmuteCommand) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	command := domain.UnmuteViewer{Live: domain.LiveID(c.Live), User: domain.UserID(c.User), Reason: c.Reason}
	return executeOne(ctx, g, sh, command, "user %d is unmuted in live %d", c.User, c.Live)
}

// executeOne executes one command as an operator, and prints the result.
func executeOne(ctx context.Context, g *cli.Globals, sh cli.Shell, c domain.Command, format string, args ...any) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		receipt, err := b.execute(ctx, c)
		if err != nil {
			return err
		}
		return printDone(sh, receipt, format, args...)
	})
}

// maxReviewed is the maximum number of held comments or reports in the output.
const maxReviewed = 500

type commentHeld struct {
	Live int64 `min:"1" arg:"" help:"Live, see roomlog live list --all."`
}

func (c *commentHeld) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		if _, err := existingLive(ctx, b, c.Live); err != nil {
			return err
		}
		found, err := b.queries.HeldComments(ctx, projections.HeldFilter{Live: domain.LiveID(c.Live), Window: projections.Window{OldestFirst: true, Limit: maxReviewed}})
		if err != nil {
			return err
		}
		t := newTable(sh.Stdout, "HELD", "TIME", "USER", "NAME", "CAUSE", "TEXT")
		for _, h := range found {
			t.row(h.Held, h.At.Format(time.DateTime), h.User.ID, h.User.Name(), h.Cause, h.Text)
		}
		return t.end("No comment waits for a review")
	})
}

type heldArguments struct {
	Live int64 `min:"1" required:"" placeholder:"ID" help:"Live to which the comment belongs."`
	Held int64 `min:"1" required:"" placeholder:"N" help:"Number of the held comment, see roomlog comment held."`
}

type commentRelease struct {
	heldArguments `embed:""`
}

func (c *commentRelease) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return executeRead(ctx, g, sh, func(q *projections.Queries) (domain.ReleaseComment, error) {
		return q.ReleaseComment(ctx, domain.LiveID(c.Live), c.Held)
	}, "comment %d is posted", c.Held)
}

type commentDrop struct {
	reasonFlag    `embed:""`
	heldArguments `embed:""`
}

func (c *commentDrop) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return executeRead(ctx, g, sh, func(q *projections.Queries) (domain.DropComment, error) {
		return q.DropComment(ctx, domain.LiveID(c.Live), c.Held, c.Reason)
	}, "comment %d is dropped", c.Held)
}

// executeRead executes, as an operator, the command that read makes from the tables, and prints the result.
func executeRead[C domain.Command](ctx context.Context, g *cli.Globals, sh cli.Shell, read func(*projections.Queries) (C, error), format string, args ...any) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		command, err := read(b.queries)
		if err != nil {
			return err
		}
		receipt, err := b.execute(ctx, command)
		if err != nil {
			return err
		}
		return printDone(sh, receipt, format, args...)
	})
}

type warnCommand struct {
	User   int64  `min:"1" required:"" placeholder:"ID" help:"User to warn, see roomlog user list."`
	Live   int64  `min:"1" required:"" placeholder:"ID" help:"Live in which the user is warned."`
	Reason string `required:"" placeholder:"TEXT" help:"Shown to the user: 1 to 100 characters."`
}

// AfterApply refuses reasons that a warning cannot have.
func (c *warnCommand) AfterApply() error { return checkText("--reason", c.Reason, 1, domain.MaxReason) }

func (c *warnCommand) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	command := domain.WarnViewer{Live: domain.LiveID(c.Live), User: domain.UserID(c.User), Reason: c.Reason}
	return executeOne(ctx, g, sh, command, "user %d is warned in live %d", c.User, c.Live)
}

type reportList struct {
	Live    int64 `min:"1" placeholder:"ID" help:"Only reports in this live. Default: in all lives"`
	Decided bool  `help:"List reports about which somebody has decided, too."`
}

func (c *reportList) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		found, err := b.queries.Reports(ctx, projections.ReportFilter{
			Live: domain.LiveID(c.Live), Decided: c.Decided, For: projections.OperatorStanding(0), Window: projections.Window{Limit: maxReviewed},
		})
		if err != nil {
			return err
		}
		t := newTable(sh.Stdout, "LIVE", "REPORT", "TIME", "USER", "NAME", "COMMENT", "BY", "CAUSE", "TEXT", "CLAIMER", "DECISION")
		for _, r := range found {
			for _, e := range r.Entries {
				t.row(r.Live, r.Report, e.At.UTC().Format(time.DateTime), r.Target.ID, r.Target.Name(), numberOrDash(r.Comment), e.User, e.Cause, orDash(e.Text), orDash(r.Claimer), orDash(string(r.Decision)))
			}
		}
		return t.end("There are no reports")
	})
}

type reportArguments struct {
	Live   int64 `min:"1" required:"" placeholder:"ID" help:"Live of the report."`
	Report int64 `min:"1" required:"" placeholder:"N" help:"Number of the report, see roomlog report list."`
}

type reportClaim struct {
	reportArguments `embed:""`
}

func (c *reportClaim) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return executeOne(ctx, g, sh, domain.ClaimReport{Live: domain.LiveID(c.Live), Report: c.Report}, "report %d is claimed", c.Report)
}

type reportDecide struct {
	reasonFlag      `embed:""`
	reportArguments `embed:""`
	Decision        string `arg:"" enum:"upheld,rejected" help:"Decision: upheld or rejected."`
}

func (c *reportDecide) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return executeRead(ctx, g, sh, func(q *projections.Queries) (domain.DecideReport, error) {
		return q.DecideReport(ctx, domain.DecideReport{Live: domain.LiveID(c.Live), Report: c.Report, Decision: domain.ReportDecision(c.Decision), Reason: c.Reason})
	}, fmt.Sprintf("report %d is %s", c.Report, c.Decision))
}

type moderationTry struct {
	Rules  string `arg:"" type:"existingfile" help:"File with the rules in JSON, see the examples."`
	Live   int64  `min:"1" required:"" placeholder:"ID" help:"Live of the past show, see roomlog live list --all."`
	From   string `placeholder:"PLACE" help:"First event: a position, or a time or date in UTC. Default: the beginning of the live"`
	To     string `placeholder:"PLACE" help:"Last event: a position, or a time or date in UTC before which it was recorded. Default: the end of the log"`
	Format string `enum:"table,json" default:"table" help:"Form of the output: table or json."`
}

func (moderationTry) Help() string {
	return `Examples:

  roomlog moderation try rules.json --live 6
  roomlog moderation try rules.json --live 6 --from 2026-11-01 --format json

Decides the comments of a show again, with other word lists and modes, and prints each comment that would not be posted, was
held, or was removed by a moderator. Nothing is written. The file has these members; those that are missing stay as they were
during the show:

  {"modes": {"slow": 30, "review": 1},
   "words": [{"word": "giveaway", "act": "hold"}, {"word": "spam", "exact": true, "act": "refuse"}],
   "service_words": []}

Comments that were refused during the show are not in the log. Words that were masked are not known. A comment that would be
held counts as released at once.`
}

// AfterApply refuses a range that cannot be parsed.
func (c *moderationTry) AfterApply() error { return checkPlaces("--from", c.From, "--to", c.To) }

func (c *moderationTry) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	text, err := os.ReadFile(c.Rules)
	if err != nil {
		return fmt.Errorf("read the rules: %w", err)
	}
	rules, err := dryrun.ParseRules(text)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Rules, err)
	}
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		if _, err := existingLive(ctx, b, c.Live); err != nil {
			return err
		}
		head, err := b.store.Head(ctx)
		if err != nil {
			return err
		}
		from, upTo, err := b.bounds(ctx, c.From, c.To, head)
		if err != nil {
			return err
		}
		result, err := dryrun.Run(ctx, b.store, domain.LiveID(c.Live), from, upTo, rules)
		if err != nil {
			return err
		}
		if c.Format == "json" {
			return json.NewEncoder(sh.Stdout).Encode(result)
		}
		return printTry(sh, result)
	})
}

func printTry(sh cli.Shell, r dryrun.Result) error {
	t := newTable(sh.Stdout, "POSITION", "TIME", "USER", "WOULD", "WAS", "THEN", "TEXT")
	for _, c := range r.Items {
		would := string(c.Would)
		if c.Code != "" {
			would = string(c.Code)
		}
		t.row(c.Position, c.At.Format(time.DateTime), c.User, would, c.Was, orDash(c.Then), c.Text)
	}
	if err := t.end("All comments would be posted, and none was removed"); err != nil {
		return err
	}
	if r.More > 0 {
		fmt.Fprintf(sh.Stdout, "and %d more\n", r.More)
	}
	_, err := fmt.Fprintf(sh.Stdout, "%s: %d would be posted, %d masked, %d held, %d refused; %d removed or dropped, of which the rules would have missed %d; %d erased\n",
		cli.Count(r.Comments, "comment"), r.Would[dryrun.Posted], r.Would[dryrun.Masked], r.Would[dryrun.Held], r.Would[dryrun.Refused], r.Taken, r.Missed, r.Erased)
	return err
}
