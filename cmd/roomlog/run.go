package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/alecthomas/kong"
)

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
	exitFault  = 3 // verify found one
)

// shell is all that a command touches of the world outside its arguments.
type shell struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	now            func() time.Time
}

// errFault is what verify ends with when something is not as it should be.
var errFault = errors.New("the log or its tables have a fault")

// run carries out one command line and answers the exit code. It returns when ctx has ended and
// everything that was begun has been brought to its end.
func run(ctx context.Context, args []string, sh shell) int {
	command, code := parse(args, sh)
	if command == nil {
		return code
	}
	err := command(ctx)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errFault):
		fmt.Fprintf(sh.stderr, "roomlog: %v\n", err)
		return exitFault
	}
	fmt.Fprintf(sh.stderr, "roomlog: %v\n", err)
	if next := advice(err); next != "" {
		fmt.Fprintf(sh.stderr, "  %s\n", next)
	}
	return exitFailed
}

// parse answers the command that args ask for, or the exit code when there is nothing to run.
func parse(args []string, sh shell) (command func(context.Context) error, code int) {
	var line commandLine
	helped := false
	parser, err := kong.New(&line,
		kong.Name("roomlog"),
		kong.Description(about),
		kong.Writers(sh.stdout, sh.stderr),
		kong.Exit(func(int) { helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.ExplicitGroups(groups),
		environment(sh.getenv),
	)
	if err != nil {
		panic(err) // the struct is wrong, not what was typed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	switch {
	case helped:
		return nil, exitDone
	case err != nil:
		fmt.Fprintf(sh.stderr, "roomlog: %v\n  See: %s --help\n", err, asked(err))
		return nil, exitUsage
	}
	return func(ctx context.Context) error {
		parsed.BindTo(ctx, (*context.Context)(nil))
		return parsed.Run(sh, &line.globals)
	}, exitDone
}

// asked names the command that was typed, as far as it was understood.
func asked(err error) string {
	var wrong *kong.ParseError
	if errors.As(err, &wrong) && wrong.Context != nil {
		if node := wrong.Context.Selected(); node != nil {
			return node.FullPath()
		}
	}
	return "roomlog"
}
