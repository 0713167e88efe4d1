package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"roomlog/cmd/roomlog/cli"
	"roomlog/internal/settings"
)

// invocation is one command line with its settings.
type invocation struct {
	line     commandLine
	sh       cli.Shell
	sources  *cli.Sources
	flags    *settings.Flags // flags of the settings of every command
	file     error           // faults of the configuration file
	redactor *cli.Redactor   // standard error, without secrets
	unknown  error           // variables of the environment that are named like settings
	parsed   *kong.Context
	reported error // error that the command has reported itself
}

// checker is a command with settings of its own. CheckSettings returns all faults, before anything is opened or created.
type checker interface {
	CheckSettings(sh cli.Shell) error
}

// standalone is a command that uses no database. Settings of other commands do not concern it.
type standalone interface{ Standalone() }

func newInvocation(sh cli.Shell) *invocation {
	i := &invocation{sources: cli.NewSources(sh.Environ), redactor: cli.NewRedactor(sh.Stderr)}
	i.redactor.Hide(sh.Environ...)
	sh.Stderr = i.redactor
	sh.Sources, sh.Getenv, sh.Report = i.sources, i.sources.Getenv, i.report
	i.sh = sh
	i.flags = i.line.globals.Flags()
	i.line.GlobalFlags = kong.Plugins{i.flags.Struct()}
	i.line.Serve.AddSettings()
	i.line.Bridge.DeclareFlags()
	return i
}

// declareFlags declares the many flags of the commands that a command line with these words can select. The parser needs more time
// to build them than most other commands run.
func (i *invocation) declareFlags(words ...string) {
	if slices.Contains(words, "serve") {
		i.line.Serve.DeclareFlags()
	}
	if slices.Contains(words, "config") {
		i.line.Config.Check.AddSettings()
		i.line.Config.Check.DeclareFlags()
	}
}

// parse parses args and checks all settings. It reports whether help or the version was printed and nothing is left to do.
func (i *invocation) parse(args []string) (exited bool, err error) {
	i.declareFlags(args...)
	parser, err := kong.New(&i.line,
		kong.Name("roomlog"),
		kong.Description(about),
		kong.Writers(i.sh.Stdout, i.sh.Stderr),
		kong.Exit(func(int) { exited = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.Help(printHelp),
		kong.ExplicitGroups(groups),
		kong.Vars{"version": "roomlog " + cli.ReadBuild().String()},
		sourcesOption(i.sources, func(variables []string) {
			i.unknown = i.sources.CheckEnvironment(append(variables, i.line.Serve.Variables()...))
		}),
		kong.WithBeforeResolve(i.readFile),
	)
	if err != nil {
		panic(err) // the grammar is wrong, not the arguments
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	i.redactor.Hide(args...)
	i.parsed, err = parser.Parse(args)
	if exited {
		return true, nil
	}
	if err != nil {
		var parseErr *kong.ParseError
		if errors.As(err, &parseErr) {
			i.parsed = parseErr.Context // what was recognised before the error
		}
		return false, errors.Join(err, i.unknown, i.file)
	}
	return false, i.check()
}

// readFile reads the configuration file that --config or its variable names, and hides its secrets and those in other files. Its faults are reported with all others.
func (i *invocation) readFile(ctx *kong.Context) error {
	path, name := given(ctx, "config"), "--config"
	if path == "" {
		path, name = i.sh.Getenv("ROOMLOG_CONFIG"), "ROOMLOG_CONFIG"
	}
	if path != "" {
		i.file = i.sources.ReadFile(name, path, append(i.flags.Names(), i.line.Serve.FlagNames()...))
		i.redactor.Hide(i.sources.FileValues()...)
	}
	i.redactor.Hide(i.sources.SecretFiles()...)
	return nil
}

// check returns the faults of all settings and of the arguments of the command.
func (i *invocation) check() error {
	for _, path := range i.parsed.Path {
		if path.Flag != nil && !path.Resolved {
			i.sources.OnCommandLine(path.Flag.Name)
		}
	}
	faults := []error{i.flags.Apply(i.sources.Of), i.file, i.sources.Faults()}
	switch command := i.parsed.Selected().Target.Addr().Interface().(type) {
	case checker:
		faults = append(faults, command.CheckSettings(i.sh), i.line.globals.CheckReadURL(i.sh))
	case standalone:
		faults = nil
	default:
		faults = append(faults, cli.CheckDatabaseURL(i.sh.Getenv), i.line.globals.CheckReadURL(i.sh))
	}
	faults = append(faults, i.unknown, i.checkBounds())
	return i.sources.Rename(errors.Join(faults...))
}

// checkBounds returns the faults of the arguments of a command whose tags have bounds.
func (i *invocation) checkBounds() error {
	var faults []error
	for _, path := range i.parsed.Path {
		value, name := path.Positional, ""
		if path.Flag != nil {
			value, name = path.Flag.Value, "--"+path.Flag.Name
		}
		if value == nil || !value.Tag.Has("min") {
			continue
		}
		if name == "" {
			name = "<" + value.Name + ">"
		}
		if problem := settings.Problem(value.Target, value.Tag.Get("min"), value.Tag.Get("max")); problem != "" {
			faults = append(faults, fmt.Errorf("%s %s (got %v)", name, problem, reflect.Indirect(value.Target)))
		}
	}
	return errors.Join(faults...)
}

func (i *invocation) execute(ctx context.Context) error {
	i.parsed.BindTo(ctx, (*context.Context)(nil))
	return i.parsed.Run(i.sh, &i.line.globals)
}

// logs reports whether the command writes its messages as a log: serve and migrate do.
func (i *invocation) logs() bool {
	selected := ""
	if i.parsed != nil && i.parsed.Selected() != nil {
		selected = i.parsed.Selected().Path()
	}
	return slices.Contains([]string{"serve", "migrate"}, selected)
}

// report writes the error that ends a command to standard error, with what to do about it: as a line of the log if the command
// writes its log as JSON, otherwise for people. An error that was reported is not reported again.
func (i *invocation) report(err error) {
	if err == nil || errors.Is(err, i.reported) {
		return
	}
	i.reported = err
	next := advice(err)
	if i.logs() && i.line.globals.JSONLog(i.sh) {
		attrs := []any{slog.Any("error", err)}
		if next != "" {
			attrs = append(attrs, slog.String("cure", next))
		}
		i.line.globals.Logger(i.sh, slog.LevelError).ErrorContext(context.Background(), "failed", attrs...)
		return
	}
	fmt.Fprintf(i.sh.Stderr, "roomlog: %v\n", err)
	if next != "" {
		fmt.Fprintf(i.sh.Stderr, "  %s\n", next)
	}
}

// reportUsage writes the faults of a command line and of its settings to standard error, like report: one line for each.
func (i *invocation) reportUsage(err error) {
	see := i.selected() + " --help"
	lines := strings.Split(err.Error(), "\n")
	if i.logs() && i.jsonWanted() {
		log := slog.New(slog.NewJSONHandler(i.sh.Stderr, nil))
		for _, line := range lines {
			log.ErrorContext(context.Background(), "wrong setting or argument", slog.String("error", line), slog.String("cure", "See: "+see))
		}
		return
	}
	fmt.Fprintf(i.sh.Stderr, "roomlog: %s\n  See: %s\n", strings.Join(lines, "\n         "), see)
}

// jsonWanted reports whether the log is JSON, like Globals.JSONLog, but for a command line whose settings may not
// have been applied.
func (i *invocation) jsonWanted() bool {
	g := cli.Globals{}
	g.LogFormat = i.line.globals.LogFormat
	if g.LogFormat == "" && i.parsed != nil {
		g.LogFormat = given(i.parsed, "log-format")
	}
	if g.LogFormat == "" {
		g.LogFormat, _ = i.sources.Flag("log-format", []string{"ROOMLOG_LOG_FORMAT"})
	}
	return g.JSONLog(i.sh)
}

// selected returns the name of the command that was recognised, also before a parse error.
func (i *invocation) selected() string {
	if i.parsed != nil && i.parsed.Selected() != nil {
		return i.parsed.Selected().FullPath()
	}
	return "roomlog"
}
