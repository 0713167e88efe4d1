package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"roomlog/cmd/roomlog/cli"
)

func main() { mainWith(time.Now) }

// mainWith is main with a clock.
func mainWith(now func() time.Time) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // restores the default behaviour: a second signal kills the process
	os.Exit(run(ctx, os.Args[1:], cli.Shell{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Environ: os.Environ(), Now: now, Execute: run}))
}
