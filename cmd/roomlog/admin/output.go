package admin

import (
	"fmt"
	"strings"

	"roomlog/cmd/roomlog/cli"
	"roomlog/eventstore"
)

// printDone prints the result of a command, and whether the command has changed anything.
func printDone(sh cli.Shell, receipt eventstore.Receipt, format string, args ...any) error {
	note := ""
	if len(receipt.Events) == 0 {
		note = " (no change)"
	}
	_, err := fmt.Fprintf(sh.Stdout, format+note+"\n", args...)
	return err
}

// orDash returns s, or "-" if s is empty.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// listOf returns items as the content of a table cell, separated by commas.
func listOf[T any](items []T) string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = fmt.Sprint(item)
	}
	return orDash(strings.Join(texts, ","))
}
