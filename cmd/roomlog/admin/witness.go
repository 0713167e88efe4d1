package admin

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"roomlog/cmd/roomlog/cli"
	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/anchor"
	"roomlog/eventstore/transparency/witness"
)

type witnessCommand struct {
	URL      string        `arg:"" help:"Address of the server, like https://live.example."`
	Key      string        `required:"" placeholder:"KEY" help:"Public key of the transparency log, as roomlog audit key has printed it at the server. While the secret of the server is being replaced: both keys, separated by a space."`
	Interval time.Duration `default:"10s" min:"1s" max:"24h" help:"Time between two requests, 1s to 24h."`
	Once     bool          `help:"Check once and end, for a timer."`
	Name     string        `placeholder:"NAME" help:"Name of this witness, like witness.example. With a name, the witness adds its cosignature to the checkpoints that it keeps; its public key is in key.pub. It delivers the cosignatures to the server, whose operator sets --witnesses."`
	Anchor   []string      `sep:"none" placeholder:"FILE|URL" help:"Store the newest kept checkpoint elsewhere, too: append it to a file, or send it to a URL (POST, repeated after failures; redirects are not followed). The flag can be repeated."`
}

func (witnessCommand) Help() string {
	return `Run this on a machine that the operator of the server does not control:

  roomlog witness https://live.example --key KEY --data DIR

  roomlog witness https://live.example --key KEY --data DIR --name witness.example --anchor /mnt/other/checkpoints

It keeps every signed checkpoint that it sees in the folder witness of DIR, and accepts a new one only if its tree continues
the newest kept one. With --name it cosigns what it keeps, and delivers the cosignature to the server. With --anchor it stores
the newest one elsewhere, too; roomlog verify and roomlog audit verify compare the log with such files (--checkpoint). If the
server has rewritten its history, the command says so, keeps the evidence in witness/rewritten, and exits with 3; it does so at
every start until somebody removes that file. It uses no database. Without --once it runs until it is stopped, and tries again
while the server cannot be reached. docs/AUDIT.md describes the files.`
}

// Standalone marks a command that uses no database.
func (witnessCommand) Standalone() {}

func (c *witnessCommand) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	config, err := c.config(g, sh)
	if err != nil {
		return err
	}
	w, err := witness.Open(config)
	if err != nil {
		return err
	}
	if !c.Once {
		return w.Run(ctx)
	}
	if err := w.Step(ctx); err != nil {
		return err
	}
	newest, _ := w.Newest()
	fmt.Fprintf(sh.Stdout, "ok: %s\n", newest)
	return nil
}

func (c *witnessCommand) config(g *cli.Globals, sh cli.Shell) (witness.Config, error) {
	var config witness.Config
	source, err := witness.NewHTTP(c.URL)
	if err != nil {
		return config, err
	}
	known, err := transparency.ParseKeys(c.Key)
	if err != nil {
		return config, fmt.Errorf("--key: %w", err)
	}
	dir, err := g.DataDir(sh)
	if err != nil {
		return config, err
	}
	config = witness.Config{Source: source, Keys: known, Dir: filepath.Join(dir, "witness"), Interval: c.Interval, Log: g.Logger(sh, slog.LevelInfo)}
	for _, target := range c.Anchor {
		a, err := anchor.Open(target)
		if err != nil {
			return config, fmt.Errorf("--anchor: %w", err)
		}
		config.Anchors = append(config.Anchors, a)
	}
	if c.Name != "" {
		var public string
		if config.Cosigner, public, err = witness.OpenCosigner(config.Dir, c.Name); err != nil {
			return config, err
		}
		config.Log.Info("cosigning checkpoints", slog.String("public_key", public))
	}
	return config, nil
}
