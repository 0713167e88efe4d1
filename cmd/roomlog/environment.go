package main

import (
	"strings"

	"github.com/alecthomas/kong"
)

// environment reads flags that are not on the command line from the variables that their env tags name, and adds those
// names to the help. An empty variable counts as unset. Unlike kong's own handling of env tags it uses getenv instead of
// the environment of the process.
func environment(getenv func(string) string) kong.Option {
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
