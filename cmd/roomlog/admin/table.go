package admin

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

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
	line := strings.Repeat("%v\t", len(cells)-1) + "%v\n"
	fmt.Fprintf(t.tabs, line, cells...)
}

// end writes the table. If it has no row, end writes empty instead.
func (t *table) end(empty string) error {
	if t.rows == 0 {
		_, err := fmt.Fprintln(t.out, empty)
		return err
	}
	return t.tabs.Flush()
}
