package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/jackc/pgx/v5"

	"roomlog/cmd/roomlog/cli"
	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/pack"
	"roomlog/eventstore/transparency/tree"
	"roomlog/eventstore/transparency/witness"
	"roomlog/projections/ledger"
)

// maxProof bounds the size of a proof that is checked, in bytes.
const maxProof = 1 << 20

type auditGift struct {
	ID  string `arg:"" help:"Id of the gift as clients receive it, like 09a791fff0, or its position in the log."`
	Out string `placeholder:"FILE" help:"Write to this file. Default: standard output"`
}

func (auditGift) Help() string {
	return `Example:

  roomlog audit gift 133 --out gift.json
  roomlog audit check gift.json --key KEY       on any other machine

The file contains the event, the hashes that lead from it to the root of the transparency log, and the signed checkpoint.
It fails if no signed checkpoint covers the gift yet: a server signs one within a second.`
}

func (c *auditGift) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withUnchangedBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		var file []byte
		err := pgx.BeginTxFunc(ctx, b.owner, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
			position, err := giftPosition(ctx, tx, c.ID)
			if err != nil {
				return err
			}
			proof, err := tree.Prove(ctx, tx, position)
			if err != nil {
				return err
			}
			if proof.Gift == nil {
				return fmt.Errorf("position %d is the event %s, not a gift", position, proof.Event.Type)
			}
			file, err = proof.Encode()
			return err
		})
		if err != nil {
			return err
		}
		if c.Out == "" {
			_, err = sh.Stdout.Write(file)
			return err
		}
		return os.WriteFile(c.Out, file, 0o600)
	})
}

// giftPosition returns the position of a gift with the given id or position.
func giftPosition(ctx context.Context, tx pgx.Tx, id string) (position int64, err error) {
	err = tx.QueryRow(ctx, "SELECT position FROM read.gift_record WHERE id = $1", id).Scan(&position)
	if !errors.Is(err, pgx.ErrNoRows) {
		return position, err
	}
	if position, err = strconv.ParseInt(id, 10, 64); err != nil || position < 1 {
		return 0, fmt.Errorf("there is no gift with the id %q", id)
	}
	return position, nil
}

type auditCheck struct {
	File string `arg:"" help:"File that roomlog audit gift has written. -: standard input"`
	Key  string `required:"" placeholder:"KEY" help:"Public key of the transparency log, as roomlog audit key has printed it. Get it from somebody whom you trust, not from the sender of the file."`
}

func (auditCheck) Help() string {
	return `Prints what the file proves, and exits with 0. If the proof does not hold, the command says why and exits with 3.
It uses neither a database nor a server.`
}

// Standalone marks a command that uses no database.
func (auditCheck) Standalone() {}

func (c *auditCheck) Run(sh cli.Shell) error {
	known, err := transparency.ParseKeys(c.Key)
	if err != nil {
		return fmt.Errorf("--key: %w", err)
	}
	file, err := c.read(sh.Stdin)
	if err != nil {
		return err
	}
	proof, checkpoint, err := transparency.CheckProof(file, known)
	if err != nil {
		return err
	}
	fmt.Fprintf(sh.Stdout, "%s\nok: the event is in the signed tree of %s, %s\n", proof.Summary(), cli.Count(checkpoint.N, "event"), checkpoint.Origin)
	return nil
}

func (c *auditCheck) read(stdin io.Reader) ([]byte, error) {
	from := stdin
	if c.File != "-" {
		file, err := os.Open(c.File)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		from = file
	}
	content, err := io.ReadAll(io.LimitReader(from, maxProof+1))
	if err == nil && len(content) > maxProof {
		err = fmt.Errorf("%s is larger than %d bytes, so it is no proof", c.File, maxProof)
	}
	return content, err
}

// IsFault reports whether a command has found a fault, as opposed to having failed: in the log or in a table, in the
// bookkeeping, in a proof or a pack, or in the history of another server.
func IsFault(err error) bool {
	var fault *pack.Fault
	var unbalanced *ledger.UnbalancedError
	var unsettled *ledger.UnsettledError
	return errors.As(err, &fault) || errors.As(err, &unbalanced) || errors.As(err, &unsettled) || errors.Is(err, ErrFault) || errors.Is(err, transparency.ErrProof) || errors.Is(err, transparency.ErrSignature) || errors.Is(err, witness.ErrRewritten)
}
