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
	exitFault  = 3 // verify has found a fault
)

// run executes one command line and returns the exit code. It returns when ctx has ended or the command has finished,
// and everything that was started has stopped.
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

// isWrongArgument reports whether the rules have refused a string or a number on the command line.
func isWrongArgument(err error) bool {
	refusal := domain.AsRefusal(err)
	return refusal != nil && slices.Contains([]domain.Code{domain.CodeTextInvalid, domain.CodeTextEmpty, domain.CodeTextTooLong,
		domain.CodeNumberOutOfRange, domain.CodeEmailInvalid}, refusal.Code)
}

// parse returns the command in args and its name. If there is nothing to run, it returns nil and the exit code.
func parse(args []string, sh cli.Shell) (command func(context.Context) error, name string, code int) {
	var line commandLine
	line.Serve.DeclareFlags()
	used := map[string]string{}
	exited := false // set after the help or the version was printed
	parser, err := kong.New(&line,
		kong.Name("roomlog"),
		kong.Description(about),
		kong.Writers(sh.Stdout, sh.Stderr),
		kong.Exit(func(int) { exited = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.ExplicitGroups(groups),
		kong.Vars{"version": "roomlog " + cli.ReadBuild().String()},
		environment(sh.Getenv, used),
		kong.Bind(sh, &line.Globals), // passed to the AfterApply methods
	)
	if err != nil {
		panic(err) // cannot happen: the command line is declared wrongly, which is not a fault of the arguments
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	switch {
	case exited:
		return nil, "", exitOK
	case err != nil:
		faults := strings.ReplaceAll(nameVariables(err.Error(), used), "\n", "\n         ") // further faults follow the first one, indented
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
