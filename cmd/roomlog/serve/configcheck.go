package serve

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"text/tabwriter"

	"roomlog/cmd/roomlog/cli"
	"roomlog/internal/settings"
)

// CheckCommand is `roomlog config check`. It has the flags of serve.
type CheckCommand struct{ Command }

// Help returns the part of the help that follows the summary.
func (CheckCommand) Help() string {
	return `Prints every setting of roomlog serve with its value, type, unit and bounds, and its source: default, file, environment or
flag. Secrets are not shown. Takes the same flags as serve, and opens and creates nothing. If settings have faults, it prints all of them
and exits with 2.

Examples:

  roomlog config check --config /etc/roomlog.toml
  roomlog config check | grep -v default`
}

// Run prints all settings. They have been checked before.
func (c *CheckCommand) Run(_ context.Context, g *cli.Globals, sh cli.Shell) error {
	table := tabwriter.NewWriter(sh.Stdout, 0, 8, 2, ' ', 0)
	row := func(name, value, kind, unit, bounds string, source settings.Source) {
		from := source.Kind
		switch source.Kind {
		case settings.FromEnvironment, settings.FromFile:
			from += " (" + source.Name + ")"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", name, orDash(value), kind, orDash(unit), orDash(bounds), from)
	}
	fmt.Fprintln(table, "SETTING\tVALUE\tTYPE\tUNIT\tBOUNDS\tSOURCE")
	for _, s := range append(g.Values(sh.Sources.Of), c.Values(sh.Sources.Of)...) {
		value := s.String()
		if s.Name() == "read-url" {
			value = maskAddress(value)
		}
		if unset := s.Unset(); value == "" && unset != "" {
			value = "(" + unset + ")"
		}
		row(s.Name(), value, s.TypeName(), s.Unit, s.Bounds(), s.Source)
	}
	for _, secret := range cli.Secrets() {
		value, err := cli.Variable(sh.Getenv, secret)
		if err != nil {
			return err
		}
		row(cli.KeyOf(secret), mask(secret, value), "text", "", "", sh.Sources.OfVariable(secret))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	warnExposed(sh, func(path, key string) {
		fmt.Fprintf(sh.Stderr, "warning: %s in %s can be read by other users, run chmod 600 on the file\n", key, path)
	})
	return nil
}

var passwordPair = regexp.MustCompile(`(?i)\b((?:ssl)?password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)`)

// mask returns a value without its secrets: the size of a secret, or an address without its passwords.
func mask(variable, value string) string {
	switch {
	case value == "" && variable == cli.DatabaseURL:
		return "(a private PostgreSQL in the data folder)"
	case value == "" && variable == cli.HookSecret:
		return "(generated once if webhooks are used)"
	case value == "" && (variable == cli.NATSPassword || variable == cli.NATSToken || variable == cli.OTLPHeaders):
		return ""
	case value == "":
		return "(generated once)"
	case variable != cli.DatabaseURL:
		return fmt.Sprintf("set, %d bytes", len(value))
	}
	return maskAddress(value)
}

// maskAddress returns an address of a database without its passwords.
func maskAddress(value string) string {
	if u, err := url.Parse(value); err == nil && u.Scheme != "" {
		value = u.Redacted()
	}
	return passwordPair.ReplaceAllString(value, "${1}xxxxx")
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
