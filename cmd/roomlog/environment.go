package main

import (
	"regexp"
	"strings"

	"github.com/alecthomas/kong"
)

// environment reads flags that are not on the command line from the environment variables in their env tags, and adds
// the names of these variables to the help. An empty variable counts as unset. It calls getenv; kong itself would read
// the environment of the process. It adds the variable of each flag that it has read to used.
func environment(getenv func(string) string, used map[string]string) kong.Option {
	names := map[*kong.Value][]string{}
	return kong.OptionFunc(func(k *kong.Kong) error {
		for _, option := range []kong.Option{
			kong.PostBuild(func(k *kong.Kong) error {
				return kong.Visit(k.Model, func(node kong.Visitable, next kong.Next) error {
					if flag, ok := node.(*kong.Flag); ok {
						names[flag.Value] = flag.Envs
						flag.Envs, flag.Value.Tag.Envs = nil, nil
					}
					return next(nil)
				})
			}),
			kong.Resolvers(kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
				for _, name := range names[flag.Value] {
					if value := getenv(name); value != "" {
						used[flag.Name] = name
						return value, nil
					}
				}
				return nil, nil
			})),
			kong.ValueFormatter(func(value *kong.Value) string {
				if named := names[value]; len(named) > 0 {
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

// nameVariables replaces flags in an error message by environment variables. used contains the variable of each flag
// that was read from one.
func nameVariables(text string, used map[string]string) string {
	return flagName.ReplaceAllStringFunc(text, func(flag string) string {
		if variable, ok := used[flag[2:]]; ok {
			return variable
		}
		return flag
	})
}

// flagName matches the name of a flag.
var flagName = regexp.MustCompile(`--[a-z][a-z0-9-]*[a-z0-9]`)
