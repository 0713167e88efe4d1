package feed

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
	"roomlog/projections/projtest"
)

// TestMessages checks that the deltas of every event survive the way over NATS, whatever the server permits as size of a message.
func TestMessages(t *testing.T) {
	t.Parallel()
	s := projtest.Tell(t)
	page, err := s.Store.Read(t.Context(), eventstore.Query{Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	records := page.Events
	var want []projections.Delta
	largest := 0
	for _, r := range records {
		for _, d := range projections.DeltasOf(r) {
			if d.NeedsProfile() && d.User != 0 {
				d.Profile = projections.Profile{ID: d.User, Username: "u", Nickname: "安娜", Avatar: "https://example.com/a.png", CreatedAt: r.RecordedAt}
			}
			if !d.LivesOfUser() {
				want = append(want, d)
				continue
			}
			for _, d.Live = range []domain.LiveID{3, 4} {
				want = append(want, d)
			}
		}
	}
	events, err := sentEvents(want)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		encoded, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		largest = max(largest, len(encoded))
	}
	end := point{records[len(records)-1].Position + 1, records[0].ID} // an event without deltas is the last one
	for _, limit := range []int{1 << 20, largest, largest - 1} {
		parts, err := split(events, end, limit)
		if err != nil {
			t.Fatal(err)
		}
		var got []projections.Delta
		at, lost := point{}, false
		for _, p := range parts {
			data, err := encodePart(envelope{Format: messageFormat, Program: program(), After: at.position, AfterID: at.id}, p)
			if err != nil {
				t.Fatal(err)
			}
			m, err := decodeMessage(data)
			if err != nil {
				t.Fatal(err)
			}
			if !m.has(at) || m.Checkpoint != p.end.position || m.ID != p.end.id {
				t.Errorf("limit %d: a message of %d to %d after %d", limit, m.After, m.Checkpoint, at.position)
			}
			got = append(got, m.deltas(s.Store, 0, func(position int64, err error) { t.Errorf("position %d: %v", position, err) })...)
			at, lost = p.end, lost || p.lost
		}
		if at != end || (len(parts) > 1) != (limit < 1<<20) || lost != (limit < largest) {
			t.Errorf("limit %d: %d parts up to %d, lost %v", limit, len(parts), at.position, lost)
		}
		if lost {
			continue // the part without the event that does not fit is read from the log
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("limit %d: sent (-) and received (+):\n%s", limit, diff)
		}
	}
}

// TestDecodeMessage checks that messages of other formats and programs, and with positions in a wrong order, are refused, and that unknown fields and
// events are not.
func TestDecodeMessage(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		``, `{}`, `[1]`, `{"format":3}`, `{"format":2,"after":-1}`, `{"format":2,"after":5,"checkpoint":4}`, `{"format":2,"after":"x"}`,
		`{"format":2,"after":5,"checkpoint":9,"events":[{"position":5}]}`,
		`{"format":2,"after":5,"checkpoint":9,"events":[{"position":7},{"position":7}]}`,
		`{"format":2,"after":5,"checkpoint":9,"events":[{"position":10}]}`,
	} {
		if m, err := decodeMessage(ofThisProgram(text)); err == nil {
			t.Errorf("%s is decoded as %+v, want an error", text, m)
		}
	}
	for _, other := range []string{`{"format":2,"after":5,"checkpoint":9}`, `{"format":2,"program":"another","after":5,"checkpoint":"nine"}`} {
		if m, err := decodeMessage([]byte(other)); !errors.Is(err, errProgram) {
			t.Errorf("%s is decoded as %+v, %v, want errProgram", other, m, err)
		}
	}
	s := projtest.New(t)
	m, err := decodeMessage(ofThisProgram(`{"format":2,"new":true,"after":5,"checkpoint":9,"events":[{"position":7,"type":"later.invented.v1","data":{}}]}`))
	skipped := int64(0)
	if err != nil || len(m.deltas(s.Store, 5, func(position int64, _ error) { skipped = position })) > 0 || skipped != 7 {
		t.Errorf("got %+v, %v, skipped %d, want the unknown event skipped", m, err, skipped)
	}
}

// ofThisProgram returns a message with the fingerprint of this program.
func ofThisProgram(text string) []byte {
	return []byte(strings.Replace(text, `"format":`, `"program":"`+program()+`","format":`, 1))
}

// TestFingerprint checks that programs with other events, fields or deltas have other fingerprints.
func TestFingerprint(t *testing.T) {
	t.Parallel()
	type newer struct {
		domain.CommentPosted
		More string `json:"more"`
	}
	events, deltas, message := domain.Events, projections.DeltaSpecs(), reflect.TypeFor[envelope]()
	comment := slices.IndexFunc(events, func(e domain.EventSpec) bool { return e.Type == domain.CommentPosted{}.Type() })
	changed, silent := slices.Clone(events), slices.Clone(deltas)
	changed[comment].Zero = newer{}
	silent[0].Durable = !silent[0].Durable
	seen := map[string]string{}
	for name, f := range map[string]string{
		"this program": program(), "without an event": fingerprint(events[1:], deltas, message), "with a new field": fingerprint(changed, deltas, message),
		"without a delta": fingerprint(events, deltas[1:], message), "with another delta": fingerprint(events, silent, message),
		"with another message": fingerprint(events, deltas, reflect.TypeFor[sentEvent]()),
	} {
		if other, twice := seen[f]; twice {
			t.Errorf("%s and %s have the same fingerprint", name, other)
		}
		seen[f] = name
	}
	if again := fingerprint(domain.Events, projections.DeltaSpecs(), message); again != program() {
		t.Errorf("the fingerprint is %s and then %s", program(), again)
	}
}
