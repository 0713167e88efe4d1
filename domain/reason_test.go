package domain_test

import (
	"reflect"
	"strings"
	"testing"

	"roomlog/domain"
)

// TestReasonsAreRecorded checks every command with a reason: the reason is trimmed, recorded in an event and bounded.
func TestReasonsAreRecorded(t *testing.T) {
	const field = "Reason"
	given := 0
	for _, x := range examples() {
		with := func(reason string) domain.Command {
			c := reflect.New(reflect.TypeOf(x.when)).Elem()
			c.Set(reflect.ValueOf(x.when))
			c.FieldByName(field).SetString(reason)
			return c.Interface().(domain.Command)
		}
		if f, ok := reflect.TypeOf(x.when).FieldByName(field); !ok || f.Type.Kind() != reflect.String {
			continue
		}
		given++
		t.Run(x.when.Type(), func(t *testing.T) {
			events, err := exampleWorld(t).decide(t, domain.Request{Command: with(" a reason "), Actor: x.by})
			if err != nil || !recordsReason(events, "a reason") {
				t.Errorf("got %+v (%v), want an event with the reason", events, err)
			}
			_, err = exampleWorld(t).decide(t, domain.Request{Command: with(strings.Repeat("字", 101)), Actor: x.by})
			if refusal := domain.AsRefusal(err); refusal == nil || refusal.Code != domain.CodeTextTooLong {
				t.Errorf("a reason of 101 characters: got %v, want %s", err, domain.CodeTextTooLong)
			}
		})
	}
	if given < 20 {
		t.Errorf("only %d commands take a reason", given)
	}
}

func recordsReason(events []domain.Event, reason string) bool {
	for _, e := range events {
		if f := reflect.ValueOf(e).FieldByName("Reason"); f.IsValid() && f.String() == reason {
			return true
		}
	}
	return false
}
