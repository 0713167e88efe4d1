package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"roomlog/cmd/roomlog/cli"
	"roomlog/projections/rebuild"
)

// ErrFault is returned by the command verify when the log or a table has a fault.
var ErrFault = errors.New("the log or its tables have a fault")

type verifyCommand struct {
	Quiet bool `short:"q" help:"Do not print progress."`
}

func (verifyCommand) Help() string {
	return `Reads the whole log and checks that positions and versions have no gap, that coins add up, that no balance is negative,
and that every table equals what the log implies. It runs beside a server. It prints the first fault and exits with 3.
Next, when a table is wrong: roomlog rebuild`
}

func (c *verifyCommand) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withUnchangedBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		report, err := rebuild.Verify(ctx, b.store, b.owner, rebuild.VerifyConfig{Now: sh.Now, Progress: progress(sh, c.Quiet)})
		if err != nil {
			return err
		}
		if report.Fault != "" {
			fmt.Fprintf(sh.Stdout, "fault: %s\n", report.Fault)
			return ErrFault
		}
		fmt.Fprintf(sh.Stdout, "ok: %d events up to position %d, %s, in %s\n",
			report.Events, report.Position, rowCount(report), report.Took.Round(time.Millisecond))
		return nil
	})
}

// quietPeriod is the time that a command runs before it prints progress.
const quietPeriod = time.Second

// progress returns a function that prints progress to standard error, or nil.
func progress(sh cli.Shell, quiet bool) func(rebuild.Progress) {
	if quiet {
		return nil
	}
	started := sh.Now()
	return func(p rebuild.Progress) {
		if sh.Now().Sub(started) > quietPeriod {
			writeProgress(sh.Stderr, p)
		}
	}
}

func writeProgress(to io.Writer, p rebuild.Progress) {
	fmt.Fprintf(to, "%s: %d of %d", p.Step, p.Position, p.Target)
	if p.Rate > 0 && p.ETA > 0 {
		fmt.Fprintf(to, ", %.0f events/s, about %s left", p.Rate, p.ETA.Round(time.Second))
	}
	fmt.Fprintln(to)
}

// rowCount returns a text like "35 rows in 22 tables".
func rowCount(r rebuild.Report) string {
	total := int64(0)
	for _, n := range r.Rows {
		total += n
	}
	return fmt.Sprintf("%d rows in %d tables", total, len(r.Rows))
}
