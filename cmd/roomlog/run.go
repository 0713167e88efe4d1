package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"roomlog/cmd/roomlog/admin"
	"roomlog/cmd/roomlog/cli"
	"roomlog/domain"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitFault  = 3 // verify found a fault
)

// run executes one command line and returns the exit code. It returns after ctx has ended and everything that was
// started has stopped.
func run(ctx context.Context, args []string, sh cli.Shell) int {
	command, name, code := parse(args, sh)
	if command == nil {
		return code
	}
	err := command(ctx)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, admin.ErrFault):
		fmt.Fprintf(sh.Stderr, "roomlog: %v\n", err)
		return exitFault
	}
	fmt.Fprintf(sh.Stderr, "roomlog: %v\n", err)
	if isWrongArgument(err) {
		fmt.Fprintf(sh.Stderr, "  See: %s --help\n", name)
		return exitUsage
	}
	if next := advice(err); next != "" {
		fmt.Fprintf(sh.Stderr, "  %s\n", next)
	}
	return exitFailed
}

// isWrongArgument reports whether the rules have refused a text or a number of the command line.
func isWrongArgument(err error) bool {
	refusal := domain.AsRefusal(err)
	return refusal != nil && slices.Contains([]domain.Code{domain.CodeTextInvalid, domain.CodeTextEmpty, domain.CodeTextTooLong,
		domain.CodeNumberOutOfRange, domain.CodeEmailInvalid}, refusal.Code)
}

// parse returns the command of args with its name, or nil and the exit code if there is nothing to run.
func parse(args []string, sh cli.Shell) (command func(context.Context) error, name string, code int) {
	var line commandLine
	line.Serve.DeclareFlags()
	used := map[string]string{}
	exited := false // after printing help or version
	parser, err := kong.New(&line,
		kong.Name("roomlog"),
		kong.Description(about),
		kong.Writers(sh.Stdout, sh.Stderr),
		kong.Exit(func(int) { exited = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.ExplicitGroups(groups),
		kong.Vars{"version": "roomlog " + cli.ReadBuild().String()},
		environment(sh.Getenv, used),
		kong.Bind(sh, &line.Globals), // for AfterApply
	)
	if err != nil {
		panic(err) // the grammar is wrong, not the arguments
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	switch {
	case exited:
		return nil, "", exitOK
	case err != nil:
		faults := strings.ReplaceAll(nameVariables(err.Error(), used), "\n", "\n         ") // under the first one
		fmt.Fprintf(sh.Stderr, "roomlog: %s\n  See: %s --help\n", faults, selected(err))
		return nil, "", exitUsage
	}
	return func(ctx context.Context) error {
		parsed.BindTo(ctx, (*context.Context)(nil))
		return parsed.Run(sh, &line.Globals)
	}, parsed.Selected().FullPath(), exitOK
}

// selected returns the name of the command that was recognised before a parse error.
func selected(err error) string {
	var parseErr *kong.ParseError
	if errors.As(err, &parseErr) && parseErr.Context != nil {
		if node := parseErr.Context.Selected(); node != nil {
			return node.FullPath()
		}
	}
	return "roomlog"
}
