package main

import (
	"fmt"

	"roomlog/cmd/roomlog/cli"
)

type versionCommand struct{}

func (*versionCommand) Run(sh cli.Shell) error {
	_, err := fmt.Fprintln(sh.Stdout, "roomlog", cli.ReadBuild())
	return err
}

// Standalone marks a command that uses no database.
func (*versionCommand) Standalone() {}
