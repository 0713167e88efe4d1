package main

type docsCommand struct {
	Dir string `default:"docs" help:"The folder to write into."`
}

// Run carries the command out.
func (c *docsCommand) Run(sh shell) error { return nil }
