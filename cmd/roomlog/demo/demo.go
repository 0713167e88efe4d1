package demo

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sync/errgroup"

	"roomlog/cmd/roomlog/cli"
)

// Command is the command "roomlog demo".
type Command struct {
	Keep string `placeholder:"DIR" help:"Folder for the data of the demo, which is kept: the next demo with the folder goes on with it. Default: a temporary folder, which is deleted at the end."`
	HTTP string `name:"http" default:"127.0.0.1:7001" help:"Address of the page; port 0 selects a free port."`
	RTMP string `name:"rtmp" default:"127.0.0.1:23480" help:"Address for encoders; port 0 selects a free port."`
	FLV  string `name:"flv" default:"127.0.0.1:23481" help:"Address for players; port 0 selects a free port."`
}

// Help returns the part of the help that follows the summary.
func (Command) Help() string {
	return `Runs a server with people, lives, moving pictures, comments, gifts and a past show, and prints the address of the
page. Payments are for free. The server uses a private PostgreSQL in its folder, never DATABASE_URL. Ctrl-C ends the demo.

The account that the demo prints is an operator with a known password. Therefore only this computer reaches the demo, and of the
pages in its browser only those of the demo. Other addresses, like --http :7001, let everybody in the network sign in with the account.

Examples:

  roomlog demo
  roomlog demo --keep ./demo`
}

// Standalone marks a command that uses no existing database.
func (*Command) Standalone() {}

// Run runs the demo until ctx ends.
func (c *Command) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) (err error) {
	dir := c.Keep
	if dir == "" {
		if dir, err = os.MkdirTemp("", "roomlog-demo-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	fmt.Fprintf(sh.Stdout, "Starting a server in %s …\n", dir)
	page, err := freePort(ctx, c.HTTP)
	if err != nil {
		return err
	}
	s := newServer(sh, dir, g.PostgresBin)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.run(ctx, addresses{page, c.RTMP, c.FLV}) })
	group.Go(func() error {
		if err := s.ready(ctx); err != nil {
			return nil //nolint:nilerr // the server reports why it has not started
		}
		return c.play(ctx, sh, s)
	})
	return group.Wait()
}

// play fills the server, prints the address of the page, and lets viewers act until ctx ends.
func (c *Command) play(ctx context.Context, sh cli.Shell, s *server) error {
	w := &world{server: s, site: "http://" + local(s.http), rtmp: local(s.rtmp), now: sh.Now}
	if err := w.fill(ctx); err != nil {
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the demo ends with ctx
		}
		return fmt.Errorf("fill the demo: %w", err)
	}
	fmt.Fprintf(sh.Stdout, `%d lives are on air, and %d people watch them. A past show follows in a minute.

  Open      %s/
  Sign in   as %s with the password %s, or create an account: coins are free here

Press Ctrl-C to end the demo.
`, len(w.lives), len(w.viewers), w.site, host, password)
	return ignoreEnd(ctx, w.run(ctx))
}
