package admin

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"

	"roomlog/cmd/roomlog/cli"
	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/pack"
	"roomlog/eventstore/transparency/tree"
)

type auditPack struct {
	Out        string `required:"" placeholder:"FILE" help:"Write the pack to this file. An existing file is replaced when the pack is complete."`
	From       string `placeholder:"PLACE" help:"First event: a position, or a time or date in UTC. Default: the beginning of the log"`
	To         string `placeholder:"PLACE" help:"Last event: a position, or a time or date in UTC before which it was recorded. Default: the newest event that the checkpoint covers"`
	Checkpoint string `placeholder:"FILE" help:"Signed checkpoint that the pack proves its events with. Default: the newest one"`
}

func (auditPack) Help() string {
	return `Examples:

  roomlog audit pack --out all.pack
  roomlog audit pack --from 2026-11-01 --to 2026-12-01 --out november.pack
  roomlog audit verify november.pack --key KEY       on any other machine

A pack is a tar archive: the events as lines of JSON, their hashes, the signed checkpoint, a statement of every posting, a trial
balance, and a manifest with SHA-256. The same range and checkpoint always give the same bytes. If the bookkeeping has a fault,
the command writes the pack, which is the evidence, names the first fault, and exits with 3. Texts of users stay sealed.
docs/AUDIT.md describes the files.`
}

// AfterApply refuses a range that cannot be parsed.
func (c *auditPack) AfterApply() error { return checkPlaces("--from", c.From, "--to", c.To) }

func (c *auditPack) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	var signed []byte
	if c.Checkpoint != "" {
		var err error
		if signed, err = os.ReadFile(c.Checkpoint); err != nil {
			return fmt.Errorf("--checkpoint: %w", err)
		}
	}
	return withUnchangedBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		return pgx.BeginTxFunc(ctx, b.owner, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
			r, err := c.selected(ctx, b, tx, signed)
			if err != nil {
				return err
			}
			err = pack.Write(ctx, tx, r, c.Out)
			if fault := (*pack.Fault)(nil); err == nil || errors.As(err, &fault) {
				fmt.Fprintf(sh.Stdout, "wrote %s: %s, positions %d to %d\n", c.Out, cli.Count(r.To-r.From+1, "event"), r.From, r.To)
			}
			return err
		})
	})
}

// selected returns the range of the pack. signed is the checkpoint that the user has given, or nil.
func (c *auditPack) selected(ctx context.Context, b *backend, tx pgx.Tx, signed []byte) (r pack.Range, err error) {
	s, err := tree.ReadState(ctx, tx)
	if err != nil {
		return r, err
	}
	if r.Signed = signed; signed == nil {
		r.Signed = s.Signed
	}
	if r.Signed == nil {
		return r, errNotSigned
	}
	checkpoint, err := transparency.ParseCheckpoint(r.Signed)
	if err != nil {
		return r, err
	}
	after, upTo, err := b.bounds(ctx, c.From, c.To, checkpoint.N)
	if err != nil {
		return r, err
	}
	r.From, r.To = after+1, upTo
	if r.From > r.To {
		return r, fmt.Errorf("no event is in the range: --from %q is position %d, --to %q is position %d", c.From, r.From, c.To, r.To)
	}
	return r, nil
}

type auditVerify struct {
	Pack []string `arg:"" help:"Packs that roomlog audit pack has written. Several packs must continue each other, in the order of the log."`
	Key  string   `required:"" placeholder:"KEY" help:"Public key of the transparency log, as roomlog audit key has printed it. Get it from somebody whom you trust, not from the sender of the pack."`

	Checkpoint []string `sep:"none" placeholder:"FILE" help:"File with signed checkpoints that were kept elsewhere, as by roomlog witness --anchor. Those of the tree up to a position of the packs must have its root. The flag can be repeated."`
}

func (auditVerify) Help() string {
	return `Examples:

  roomlog audit verify all.pack --key KEY
  roomlog audit verify october.pack november.pack --key KEY

Checks that the signed tree contains exactly these events, that every posting and balance follows from them, and that every byte
of the pack is the one that roomlog writes. It names the first fault with its position and exits with 3. It uses neither a
database nor a server. With --checkpoint, it compares the tree with checkpoints that were kept elsewhere, and so finds that the log
was rewritten since. The balances before a pack are proven only if the packs before it are verified with it.`
}

// Standalone marks a command that uses no database.
func (auditVerify) Standalone() {}

func (c *auditVerify) Run(ctx context.Context, sh cli.Shell) error {
	known, err := transparency.ParseKeys(c.Key)
	if err != nil {
		return fmt.Errorf("--key: %w", err)
	}
	var kept []transparency.Checkpoint
	for _, path := range c.Checkpoint {
		found, err := transparency.ReadCheckpoints(path, known)
		if err != nil {
			return fmt.Errorf("--checkpoint: %w", err)
		}
		kept = append(kept, found...)
	}
	var before *pack.Report
	compared := map[transparency.Checkpoint]bool{}
	for _, path := range c.Pack {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		info, err := file.Stat()
		if err != nil {
			return errors.Join(err, file.Close())
		}
		report, err := pack.Verify(ctx, file, info.Size(), known, before, kept...)
		if err = errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		printPack(sh, path, report)
		before = &report
		for _, one := range report.Compared {
			compared[one] = true
		}
	}
	distinct := map[transparency.Checkpoint]bool{}
	for _, one := range kept {
		distinct[one] = true
	}
	switch {
	case len(distinct) > 0 && len(compared) == 0:
		return errors.New("no kept checkpoint could be compared with the packs: ask for a pack whose range contains the size of one")
	case len(compared) < len(distinct):
		fmt.Fprintf(sh.Stdout, "%d of %d kept checkpoints are those of the tree; the packs cannot be compared with the others\n", len(compared), len(distinct))
	case len(distinct) > 0:
		fmt.Fprintf(sh.Stdout, "%d of %d kept checkpoints are those of the tree\n", len(compared), len(distinct))
	}
	return nil
}

func printPack(sh cli.Shell, path string, r pack.Report) {
	fmt.Fprintf(sh.Stdout, "%s: positions %d to %d, %s, %s\n", path, r.From, r.To, cli.Count(r.Postings, "posting"), cli.Count(r.Accounts, "account"))
	if r.SetAside > 0 {
		fmt.Fprintf(sh.Stdout, "%s no effect, because operators have set them aside\n", cli.Count(r.SetAside, "coin event has", "coin events have"))
	}
	if !r.Proven {
		fmt.Fprintln(sh.Stdout, "the balances before this range are what the operator states: verify the packs before it as well to prove them")
	}
	fmt.Fprintf(sh.Stdout, "ok: the events are in the signed tree of %s, %s\n", cli.Count(r.TreeSize, "event"), r.Origin)
}
