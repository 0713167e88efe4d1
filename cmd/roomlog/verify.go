package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"roomlog/projections"
)

type verifyCommand struct {
	Quiet bool `short:"q" help:"Say nothing while it goes on."`
}

// Help implements kong.HelpProvider.
func (verifyCommand) Help() string {
	return `Reads the whole log: positions and versions without a gap, coins that add up, no balance below zero, and
every table equal to what the log says. Runs beside a serving roomlog. The first fault is named, and the exit
code is 3. Next, when a table is wrong: roomlog rebuild`
}

// Run carries the command out.
func (c *verifyCommand) Run(ctx context.Context, g *globals, sh shell) error {
	return g.atDesk(ctx, sh, func(ctx context.Context, d *desk) error {
		report, err := projections.Verify(ctx, d.store, d.owner, projections.VerifyConfig{Now: sh.now, Progress: progress(sh, c.Quiet)})
		if err != nil {
			return err
		}
		if report.Fault != "" {
			fmt.Fprintf(sh.stdout, "fault: %s\n", report.Fault)
			return errFault
		}
		fmt.Fprintf(sh.stdout, "ok: %d events up to position %d, %s, in %s\n",
			report.Events, report.Position, rowsOf(report), report.Took.Round(time.Millisecond))
		return nil
	})
}

// silence is how long something takes before it is worth saying how far it has come.
const silence = time.Second

// progress says now and then how far something has come.
func progress(sh shell, quiet bool) func(projections.Progress) {
	if quiet {
		return nil
	}
	began := sh.now()
	return func(p projections.Progress) {
		if sh.now().Sub(began) > silence {
			writeProgress(sh.stderr, p)
		}
	}
}

func writeProgress(to io.Writer, p projections.Progress) {
	fmt.Fprintf(to, "%s: %d of %d", p.Step, p.Position, p.Target)
	if p.Rate > 0 && p.ETA > 0 {
		fmt.Fprintf(to, ", %.0f events/s, about %s left", p.Rate, p.ETA.Round(time.Second))
	}
	fmt.Fprintln(to)
}

// rowsOf says how many rows the tables have, all together.
func rowsOf(r projections.Report) string {
	total := int64(0)
	for _, n := range r.Rows {
		total += n
	}
	return fmt.Sprintf("%d rows in %d tables", total, len(r.Rows))
}
