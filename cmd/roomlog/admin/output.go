package admin

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"

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

// numberOrDash returns the content of a table cell for a number that is 0 if there is none.
func numberOrDash[N ~int64](n N) string {
	if n == 0 {
		return "-"
	}
	return strconv.FormatInt(int64(n), 10)
}

// listOf returns items as the content of a table cell, separated by commas.
func listOf[T any](items []T) string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = fmt.Sprint(item)
	}
	return orDash(strings.Join(texts, ","))
}

// printable returns a text of a user without the characters that control a terminal or the direction of text.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, text)
}

// table is a list with aligned columns.
type table struct {
	out  io.Writer
	tabs *tabwriter.Writer
	head []string
	rows int
}

func newTable(out io.Writer, head ...string) *table {
	return &table{out: out, tabs: tabwriter.NewWriter(out, 0, 8, 2, ' ', 0), head: head}
}

func (t *table) row(cells ...any) {
	if t.rows == 0 {
		fmt.Fprintln(t.tabs, strings.Join(t.head, "\t"))
	}
	t.rows++
	texts := make([]string, len(cells))
	for i, cell := range cells {
		texts[i] = printable(fmt.Sprint(cell))
	}
	fmt.Fprintln(t.tabs, strings.Join(texts, "\t"))
}

// end writes the table. If it has no row, end writes empty instead.
func (t *table) end(empty string) error {
	if t.rows == 0 {
		_, err := fmt.Fprintln(t.out, empty)
		return err
	}
	return t.tabs.Flush()
}
