package feed

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"reflect"
	"slices"

	"roomlog/domain"
	"roomlog/projections"
)

// fingerprint returns a hash of the events, the deltas and the type of messages of a program. Programs with the same
// hash understand each other.
func fingerprint(events []domain.EventSpec, deltas []projections.DeltaSpec, message reflect.Type) string {
	sum := sha256.New()
	for _, e := range events {
		fmt.Fprintf(sum, "event %s ", e.Type)
		writeShape(sum, reflect.TypeOf(e.Zero), nil)
	}
	for _, d := range deltas {
		fmt.Fprintf(sum, "delta %s %v %s %t %t %t %t %t\n", d.Event, d.Audience, d.Kind, d.Droppable, d.ChangesGauges, d.NeedsProfile, d.LivesOfUser, d.Durable)
	}
	writeShape(sum, message, nil)
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// writeShape writes the kind of a type and, if it has any, its elements and its exported fields with their tags. within
// contains the enclosing types, whose shape it does not write again.
func writeShape(w io.Writer, t reflect.Type, within []reflect.Type) {
	fmt.Fprintf(w, "%s\n", t.Kind())
	if slices.Contains(within, t) {
		return
	}
	within = append(within, t)
	switch t.Kind() {
	case reflect.Map:
		writeShape(w, t.Key(), within)
		writeShape(w, t.Elem(), within)
	case reflect.Array, reflect.Pointer, reflect.Slice:
		writeShape(w, t.Elem(), within)
	case reflect.Struct:
		for _, f := range reflect.VisibleFields(t) {
			if f.IsExported() && len(f.Index) == 1 {
				fmt.Fprintf(w, "%s %q ", f.Name, f.Tag)
				writeShape(w, f.Type, within)
			}
		}
	}
}
