package native

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"roomlog/realtime/ws"
)

// Tables returns the generated tables of docs/REALTIME.md, by the names of the comments that surround them.
func Tables() map[string]string {
	tables := map[string]string{}
	var b strings.Builder
	row := func(cells ...string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	finish := func(name string) { tables[name] = b.String(); b.Reset() }

	row("Type", "Data", "Rate limit", "Meaning")
	row("---", "---", "---", "---")
	for _, op := range operations() {
		row("`"+op.name+"`", fieldsOf(reflect.TypeOf(op.data)), op.rate.String(), op.summary)
	}
	finish("requests")
	row("Type", "Data", "Meaning")
	row("---", "---", "---")
	for _, p := range pushes() {
		row("`"+p.name+"`", fieldsOf(p.data), p.summary)
	}
	finish("pushes")
	row("Code", "Meaning")
	row("---", "---")
	for _, c := range errorCodes() {
		row(fmt.Sprintf("`%s`", c.Code), c.Meaning)
	}
	finish("errors")
	row("Code", "Reconnect?", "Meaning")
	row("---", "---", "---")
	for _, c := range closeCodes() {
		reconnect := "no"
		if code, _ := c.Code.(uint16); ws.ReconnectAdvised(code) {
			reconnect = "yes"
		}
		row(strconv.Itoa(int(c.Code.(uint16))), reconnect, c.Meaning)
	}
	finish("closes")
	return tables
}

// fieldsOf returns the JSON fields of a struct. A question mark follows an optional field.
func fieldsOf(t reflect.Type) string {
	var names []string
	for _, field := range reflect.VisibleFields(t) {
		if field.Anonymous { // the fields of an embedded struct follow
			continue
		}
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if strings.Contains(options, "omitempty") {
			name += "?"
		}
		names = append(names, "`"+name+"`")
	}
	if len(names) == 0 {
		return "–"
	}
	return strings.Join(names, " ")
}
