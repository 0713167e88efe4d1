package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"roomlog/cmd/roomlog/admin"
	"roomlog/cmd/roomlog/bridge"
	"roomlog/cmd/roomlog/cli"
	"roomlog/domain"
	"roomlog/migrations"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitFault  = 3 // a check has found a fault, see admin.IsFault and bridge.ErrDiverged
)

// run executes one command line and returns the exit code. It returns when ctx has ended or the command has finished,
// and everything that was started has stopped. A command whose output could not be written has failed.
func run(ctx context.Context, args []string, sh cli.Shell) int {
	output := cli.NewOutput(sh.Stdout)
	sh.Stdout = output
	i := newInvocation(sh)
	code := i.run(ctx, args)
	if err := output.Err(); err != nil && code == exitOK {
		i.report(err)
		return exitFailed
	}
	return code
}

// run executes a command line and returns the exit code.
func (i *invocation) run(ctx context.Context, args []string) int {
	exited, err := i.parse(args)
	switch {
	case exited:
		return exitOK
	case err != nil:
		i.reportUsage(err)
		return exitUsage
	}
	err = i.execute(ctx)
	switch {
	case err == nil:
		return exitOK
	case admin.IsFault(err), errors.Is(err, bridge.ErrDiverged):
		fmt.Fprintf(i.sh.Stderr, "roomlog: %v\n", err)
		return exitFault
	case isWrongArgument(err):
		i.reportUsage(err)
		return exitUsage
	case errors.Is(err, migrations.ErrRights):
		i.report(err)
		return exitUsage
	}
	i.report(err)
	return exitFailed
}

// isWrongArgument reports whether err refuses a text, a number or an e-mail address, which can only come from the
// command line.
func isWrongArgument(err error) bool {
	refusal := domain.AsRefusal(err)
	return refusal != nil && slices.Contains([]domain.Code{domain.CodeTextInvalid, domain.CodeTextEmpty, domain.CodeTextTooLong,
		domain.CodeNumberOutOfRange, domain.CodeEmailInvalid}, refusal.Code)
}
