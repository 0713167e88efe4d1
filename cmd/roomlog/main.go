package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"roomlog/cmd/roomlog/cli"
)

func main() { mainWith(cli.Shell{Now: time.Now}) }

// mainWith runs the command line of the process and exits. sh contains the clock and the cost of hashes; mainWith
// sets the fields that depend on the process.
func mainWith(sh cli.Shell) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // restores the default behaviour: a second signal kills the process
	sh.Stdin, sh.Stdout, sh.Stderr, sh.Environ, sh.Execute = os.Stdin, os.Stdout, os.Stderr, os.Environ(), run
	os.Exit(run(ctx, os.Args[1:], sh))
}
