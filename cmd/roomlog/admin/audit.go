package admin

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"roomlog/cmd/roomlog/cli"
	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/tree"
)

// errNotSigned means that the tree has no checkpoint yet.
var errNotSigned = errors.New("the transparency log has no signed checkpoint yet: a server with the role projector signs one within a second")

type auditStatus struct{}

func (auditStatus) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withUnchangedBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		s, err := tree.ReadState(ctx, b.owner)
		if err != nil {
			return err
		}
		fmt.Fprintf(sh.Stdout, "tree %d has %s, the log has %d\n", s.Number, cli.Count(s.Size, "event"), s.Head)
		for _, key := range strings.Fields(s.Keys) {
			fmt.Fprintf(sh.Stdout, "public key %s\n", key)
		}
		if s.Signed != nil {
			fmt.Fprintf(sh.Stdout, "newest checkpoint:\n\n%s\n", s.Signed)
		}
		if err := printWitnesses(ctx, sh, b); err != nil {
			return err
		}
		if s.Halted != "" {
			return &tree.HaltError{Reason: s.Halted}
		}
		return nil
	})
}

// printWitnesses prints for each witness the position up to which it has cosigned the current tree.
func printWitnesses(ctx context.Context, sh cli.Shell, b *backend) error {
	s, err := tree.ReadState(ctx, b.owner)
	if err != nil {
		return err
	}
	witnesses, err := tree.ReadCosigners(ctx, b.owner, s.Number)
	for _, w := range witnesses {
		fmt.Fprintf(sh.Stdout, "cosigned up to position %d by %s\n", w.Size, w.Key)
	}
	return err
}

type auditKey struct{}

func (auditKey) Help() string {
	return `Prints the key as the database contains it. Compare it with public_key in the log of the server, in the line "signing the
transparency log", before you give it to auditors. docs/AUDIT.md describes who needs it.`
}

func (auditKey) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withUnchangedBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		s, err := tree.ReadState(ctx, b.owner)
		if err != nil {
			return err
		}
		keys := strings.Fields(s.Keys)
		if len(keys) == 0 {
			return errNotSigned
		}
		fmt.Fprintln(sh.Stdout, keys[0])
		return nil
	})
}

type auditRestart struct{}

func (auditRestart) Help() string {
	return `Run this when the transparency log is halted because the history of the log has changed, as after a restore of a backup,
and when you know why. The new tree contains the log as it is now and has another name and another public key text, so that
nobody takes it for the old one. Checkpoints of the old tree stay in the table tlog_checkpoint. Tell your auditors and
witnesses about the change, and give them the new public key: roomlog audit key`
}

func (auditRestart) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		number, err := tree.Restart(ctx, b.owner, rememberedNumber(g, sh))
		if err != nil {
			return err
		}
		fmt.Fprintf(sh.Stdout, "began tree %d: a server fills and signs it now\n", number)
		return nil
	})
}

// rememberedNumber returns the number of the tree whose checkpoint a server with the same data folder remembers, or 0.
func rememberedNumber(g *cli.Globals, sh cli.Shell) int64 {
	dir, err := g.DataDir(sh)
	if err != nil {
		return 0
	}
	memory, err := tree.OpenMemory(filepath.Join(dir, tree.MemoryFile))
	if err != nil {
		return 0
	}
	newest, _ := memory.Newest()
	_, number, _ := transparency.ParseOrigin(newest.Origin) // 0 if nothing is remembered
	return number
}
