package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"roomlog/cmd/roomlog/cli"
	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/tree"
	"roomlog/projections/rebuild"
)

// maxPrinted is the maximum number of faults that are printed.
const maxPrinted = 100

// ErrFault is returned by the command verify if the log or a table has a fault.
var ErrFault = errors.New("the log or its tables have a fault")

type verifyCommand struct {
	Quiet      bool     `short:"q" help:"Do not print progress."`
	Checkpoint []string `sep:"none" placeholder:"FILE" help:"File with signed checkpoints that were kept outside the database, as by roomlog witness --anchor. The log must still contain what they cover. Needs --key. The flag can be repeated."`
	Key        string   `placeholder:"KEY" help:"Public key that checks the signatures of --checkpoint, as roomlog audit key has printed it."`
}

func (verifyCommand) Help() string {
	return `Reads the whole log and checks that every event can be read and applied, could follow the events before it and be caused by
its actor; that coins add up; that every table equals what the log implies; and that constraints, triggers and privileges of
the database are those of this program. It changes nothing, and runs beside a server. It prints every fault and exits with 3.
It compares every event with the transparency log, and names the first one that differs. An edit that also replaces the
transparency log and its checkpoints in the database is found only with --checkpoint (docs/AUDIT.md).
Next, when a table of schema read is wrong: roomlog rebuild --force`
}

// AfterApply refuses checkpoints without a key.
func (c *verifyCommand) AfterApply() error {
	if (len(c.Checkpoint) > 0) != (c.Key != "") {
		return errors.New("--checkpoint and --key need each other")
	}
	return nil
}

// kept returns the checkpoints that the user has kept.
func (c *verifyCommand) kept() ([]tree.Kept, error) {
	if len(c.Checkpoint) == 0 {
		return nil, nil
	}
	known, err := transparency.ParseKeys(c.Key)
	if err != nil {
		return nil, fmt.Errorf("--key: %w", err)
	}
	var all []tree.Kept
	for _, path := range c.Checkpoint {
		found, err := transparency.ReadCheckpoints(path, known)
		if err != nil {
			return nil, fmt.Errorf("--checkpoint: %w", err)
		}
		for _, c := range found {
			all = append(all, tree.Kept{Name: path, Checkpoint: c})
		}
	}
	return all, nil
}

func (c *verifyCommand) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	kept, err := c.kept()
	if err != nil {
		return err
	}
	return withUnchangedBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		report, err := rebuild.Verify(ctx, b.store, b.owner, rebuild.VerifyConfig{Now: sh.Now, Progress: progress(sh, c.Quiet), Kept: kept})
		for i, fault := range report.Faults {
			if i == maxPrinted {
				break
			}
			fmt.Fprintf(sh.Stdout, "fault: %s\n", fault)
		}
		if more := report.FaultCount - maxPrinted; more > 0 {
			fmt.Fprintf(sh.Stdout, "and %s\n", cli.Count(more, "more fault"))
		}
		switch {
		case err != nil && report.FaultCount > 0: // for example because a table is missing
			return fmt.Errorf("%w, and the rest could not be checked: %w", ErrFault, err)
		case err != nil:
			return err
		}
		if !report.Compared {
			fmt.Fprintln(sh.Stdout, "the tables were not compared, because an event that they contain cannot be applied")
		}
		if newer := report.Newer(); newer > 0 {
			fmt.Fprintf(sh.Stdout, "the tables lack the newest %s: they have position %d of %d\n", cli.Count(newer, "event"), report.Position, report.Head)
		}
		if report.OpenPoison > 0 {
			fmt.Fprintf(sh.Stdout, "%s not be applied, decide about each one: roomlog events list\n", cli.Count(report.OpenPoison, "event could", "events could"))
		}
		if report.SetAside > 0 {
			fmt.Fprintf(sh.Stdout, "%s set aside: roomlog events list\n", cli.Count(report.SetAside, "event is", "events are"))
		}
		if report.FaultCount > 0 {
			return ErrFault
		}
		fmt.Fprintf(sh.Stdout, "ok: %s up to position %d, %s, in %s\n",
			cli.Count(report.Events, "event"), report.Head, rowCount(report), report.Took.Round(time.Millisecond))
		return printWitnesses(ctx, sh, b)
	})
}

// quietPeriod is the time that a command runs before it prints progress.
const quietPeriod = time.Second

// progress returns a function that prints progress to standard error, or nil if nothing is printed.
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

// rowCount returns a phrase such as "35 rows in 22 tables".
func rowCount(r rebuild.Report) string {
	total := int64(0)
	for _, n := range r.Rows {
		total += n
	}
	return cli.Count(total, "row") + " in " + cli.Count(len(r.Rows), "table")
}
