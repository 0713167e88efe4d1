package main

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"roomlog/cmd/roomlog/cli"
)

// sourcesOption reads flags that are not on the command line from sources, and adds the names of their variables to the help. An
// empty variable counts as unset. Flags without a variable are arguments of a command and no settings.
// inspect is called with the names of the variables of all flags that are declared.
func sourcesOption(sources *cli.Sources, inspect func(variables []string)) kong.Option {
	names := map[*kong.Value][]string{}
	return kong.OptionFunc(func(k *kong.Kong) error {
		for _, option := range []kong.Option{
			kong.PostBuild(func(k *kong.Kong) error {
				var all []string
				err := kong.Visit(k.Model, func(node kong.Visitable, next kong.Next) error {
					if flag, ok := node.(*kong.Flag); ok {
						names[flag.Value], all = flag.Envs, append(all, flag.Envs...)
						flag.Envs, flag.Value.Tag.Envs = nil, nil
					}
					return next(nil)
				})
				inspect(all)
				return err
			}),
			kong.Resolvers(kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
				if variables := names[flag.Value]; len(variables) > 0 {
					if value, found := sources.Flag(flag.Name, variables); found {
						return value, nil
					}
				}
				return nil, nil
			})),
			kong.ValueFormatter(func(value *kong.Value) string {
				if named := names[value]; len(named) > 0 {
					if variable := cli.FileVariable(value.Name); variable != "" {
						named = append(slices.Clone(named), variable)
					}
					return value.Help + " ($" + strings.Join(named, ", $") + ")"
				}
				return value.Help
			}),
		} {
			if err := option.Apply(k); err != nil {
				return err
			}
		}
		return nil
	})
}

// given returns the text of a flag on the command line, or "".
func given(ctx *kong.Context, name string) (text string) {
	for _, path := range ctx.Path {
		if path.Flag != nil && path.Flag.Name == name && !path.Resolved {
			if value, ok := ctx.FlagValue(path.Flag).(interface{ String() string }); ok {
				text = value.String()
			}
		}
	}
	return text
}
