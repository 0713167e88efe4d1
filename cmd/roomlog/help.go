package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// printHelp prints the help of a command. The first line shows required flags that exclude each other as alternatives.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	var text bytes.Buffer
	stdout := ctx.Stdout
	ctx.Stdout = &text
	err := kong.DefaultHelpPrinter(options, ctx)
	ctx.Stdout = stdout
	if err != nil {
		return err
	}
	usage, rest, _ := strings.Cut(text.String(), "\n")
	if command := ctx.Selected(); command != nil {
		for _, group := range alternatives(command) {
			usage = strings.Replace(usage, strings.Join(group, " "), "("+strings.Join(group, " | ")+")", 1)
		}
	}
	_, err = fmt.Fprintf(stdout, "%s\n%s", usage, rest)
	return err
}

// alternatives returns the groups of required flags that exclude each other. The flags of a group are declared one after
// another.
func alternatives(command *kong.Node) (groups [][]string) {
	names := []string{}
	for _, flag := range command.Flags {
		if !flag.Required || len(flag.Xor) == 0 {
			continue
		}
		at := slices.Index(names, flag.Xor[0])
		if at < 0 {
			at, names, groups = len(names), append(names, flag.Xor[0]), append(groups, nil)
		}
		groups[at] = append(groups[at], flag.Summary())
	}
	return groups
}
