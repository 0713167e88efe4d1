package admin

import (
	"fmt"
	"strings"

	"roomlog/cmd/roomlog/cli"
	"roomlog/eventstore"
)

// printDone prints what is true now, and whether the command changed anything.
func printDone(sh cli.Shell, receipt eventstore.Receipt, format string, args ...any) error {
	note := ""
	if len(receipt.Events) == 0 {
		note = " (no change)"
	}
	_, err := fmt.Fprintf(sh.Stdout, format+note+"\n", args...)
	return err
}

// orDash returns "-" for an empty cell of a table.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// listOf returns items as one cell of a table, separated by commas.
func listOf[T any](items []T) string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = fmt.Sprint(item)
	}
	return orDash(strings.Join(texts, ","))
}
