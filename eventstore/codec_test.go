package eventstore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
)

// insert inserts an event into the log, as an older program would have written it.
func (l *testLog) insert(stream domain.Stream, version int, eventType, payload string) int64 {
	l.t.Helper()
	var position int64
	err := l.db.Owner.QueryRow(context.Background(), `
		INSERT INTO events SELECT coalesce(max(position), 0) + 1, $1, $2, gen_random_uuid(), $3, $4::text::json, '{"actor":"operator"}', NULL, now()
		FROM events RETURNING position`, stream, version, eventType, payload).Scan(&position)
	if err != nil {
		l.t.Fatal(err)
	}
	return position
}

// withOlder returns the catalogue with older versions of two events. In these versions gifts have a cost instead of a
// price, and users have no avatar.
func withOlder() []domain.EventSpec {
	events := slices.Clone(domain.Events)
	for i := range events {
		switch events[i].Type {
		case domain.GiftAdded{}.Type():
			events[i].Upcasters = map[string]domain.Upcaster{"gift.listed.v0": func(payload []byte) ([]byte, error) {
				return bytes.Replace(payload, []byte(`"cost"`), []byte(`"price"`), 1), nil
			}}
		case domain.UserRegistered{}.Type():
			events[i].Upcasters = map[string]domain.Upcaster{"user.registered.v0": func(payload []byte) ([]byte, error) {
				var fields map[string]any
				if err := json.Unmarshal(payload, &fields); err != nil {
					return nil, err
				}
				if fields["broken"] != nil {
					return nil, errors.New("broken in the old days")
				}
				fields["avatar"] = fields["username"] // the new field is encrypted, like the field that it is copied from
				return json.Marshal(fields)
			}}
		}
	}
	return events
}

func TestOlderVersionsAreUpcastByEveryReader(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	config := eventstore.Config{Now: time.Now, Events: withOlder()}
	l := openLogAs(t, db, config, eventstore.SequencerConfig{})
	at := l.insert("gift-1", 1, "gift.listed.v0", `{"gift": 1, "name": "rose", "image": "", "cost": 7}`)
	want := domain.GiftAdded{Gift: 1, Name: "rose", Price: 7}

	// Checks that the states of streams and counters are read from events of older versions.
	p := l.fixture(1, 100)
	if p.gift != 2 {
		t.Errorf("after gift 1 came gift %d, want 2", p.gift)
	}
	gift := func(l *testLog, id domain.GiftID) domain.GiftSent {
		return l.execute(p.users[0].request(domain.SendGift{Live: p.live, Gift: id, Num: 1})).Events[0].Event.(domain.GiftSent)
	}
	if e := gift(l, 1); e.Coins != 7 {
		t.Errorf("a decision sees a price of %d, want 7", e.Coins)
	}
	// Appends events as an older process would, while this process runs.
	l.insert("gift-3", 1, "gift.listed.v0", `{"gift": 3, "name": "tulip", "image": "", "cost": 8}`)
	if e := gift(l, 3); e.Coins != 8 {
		t.Errorf("after catching up, a decision sees a price of %d, want 8", e.Coins)
	}
	if next := l.list(1); next != 4 {
		t.Errorf("after gift 3 came gift %d, want 4", next)
	}
	// Checks every method that reads events.
	page, err := l.store.Read(t.Context(), eventstore.Query{After: at - 1, Limit: 1})
	if err != nil || page.Events[0].Event != want || page.Events[0].Type != "gift.listed.v0" || !strings.Contains(string(page.Events[0].Payload), "cost") {
		t.Errorf("read %+v, %v", page.Events, err)
	}
	if page, err := l.store.Read(t.Context(), eventstore.Query{Types: []string{"gift.listed.v0"}}); err != nil || len(page.Events) != 2 {
		t.Errorf("read by type: %+v, %v, want 2 elements", page.Events, err)
	}
	stream, err := l.store.ReadStream(t.Context(), "gift-1", 0, 1)
	if err != nil || stream[0].Event != want {
		t.Errorf("read the stream: %+v, %v, want stream[0].Event %v", stream, err, want)
	}
	raw := []eventstore.Record{{Position: 1, Type: stream[0].Type, Payload: stream[0].Payload}}
	if err := l.store.Decode(t.Context(), raw); err != nil || raw[0].Event != want {
		t.Errorf("decoded %+v, %v, want raw[0].Event %v", raw, err, want)
	}
	follow(t, l.store, 0, func(r eventstore.Record) bool {
		if r.Position == at && r.Event != want {
			t.Errorf("followed %+v", r)
		}
		return r.Position > at
	})
}

// follow follows the log and passes each event to enough, until enough returns true.
func follow(t testing.TB, s *eventstore.Store, after int64, enough func(eventstore.Record) bool) {
	t.Helper()
	done := errors.New("done")
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	err := s.Follow(ctx, after, func(_ context.Context, events []eventstore.Record) error {
		for _, r := range events {
			if enough(r) {
				return done
			}
		}
		return nil
	})
	if !errors.Is(err, done) {
		t.Fatalf("followed the log in vain: %v", err)
	}
}

func TestTextsOfOlderVersionsAreDecryptedAfterTheUpcast(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	l := openLogAs(t, db, eventstore.Config{Now: time.Now, Events: withOlder()}, eventstore.SequencerConfig{})
	alice := l.register("alice")
	sealed := l.all()[0].Payload
	records := []eventstore.Record{{Position: 1, Type: "user.registered.v0", Payload: sealed}}
	if err := l.store.Decode(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	if e := records[0].Event.(domain.UserRegistered); e.Avatar != "alice" || e.Username != "alice" || e.User != alice.id {
		t.Fatalf(`decoded %+v, want Avatar "alice", Username "alice", User %v`, e, alice.id)
	}
}

func TestDecodeReportsUnreadableEvents(t *testing.T) {
	t.Parallel()
	l := openLogAs(t, pgtest.New(t), eventstore.Config{Now: time.Now, Events: withOlder()}, eventstore.SequencerConfig{})
	p := l.fixture(1, 0)
	l.execute(p.users[0].request(p.say("hello")))
	good := l.all()
	comment := good[len(good)-1]
	tampered := bytes.Clone(comment.Payload)
	tampered[bytes.LastIndexByte(tampered, '"')-3] ^= 1
	for name, payload := range map[string]eventstore.Record{
		"unknown":                     {Type: "room.painted.v1", Payload: json.RawMessage(`{}`)},
		"not an object":               {Type: comment.Type, Payload: json.RawMessage(`[]`)},
		"not JSON":                    {Type: comment.Type, Payload: json.RawMessage(`{`)},
		"a failing upcast":            {Type: "user.registered.v0", Payload: json.RawMessage(`{"broken":1}`)},
		"a text that is not sealed":   {Type: comment.Type, Payload: json.RawMessage(strings.Replace(string(comment.Payload), `"1.`, `"2.`, 1))},
		"a sealed text cut short":     {Type: comment.Type, Payload: json.RawMessage(`{"live":1,"user":2,"text":"1.AAAA"}`)},
		"a tampered text":             {Type: comment.Type, Payload: tampered},
		"a text of somebody else":     {Type: comment.Type, Payload: json.RawMessage(strings.Replace(string(comment.Payload), `"user":2`, `"user":1`, 1))},
		"a number too large for a id": {Type: comment.Type, Payload: json.RawMessage(`{"live":1e99}`)},
	} {
		records := append(slices.Clone(good[:3]), payload, comment)
		records[3].Position = 77
		err := l.store.Decode(t.Context(), records)
		var broken *eventstore.DecodeError
		if !errors.As(err, &broken) || broken.Position != 77 || broken.Type != payload.Type || broken.Unwrap() == nil {
			t.Errorf("%s: got %v", name, err)
		}
		if records[3].Event != nil {
			t.Errorf("%s: made %+v of it", name, records[3].Event)
		}
		if records[4].Event == nil || records[2].Event == nil {
			t.Errorf("%s: the others were not decoded", name)
		}
	}
	if err := l.store.Decode(t.Context(), nil); err != nil {
		t.Error(err)
	}
	// Checks that the error reports the first event that cannot be decoded.
	records := []eventstore.Record{comment, {Position: 5, Type: comment.Type, Payload: tampered}, {Position: 6, Type: "unknown"}}
	var broken *eventstore.DecodeError
	if err := l.store.Decode(t.Context(), records); !errors.As(err, &broken) || broken.Position != 5 {
		t.Errorf("got %v", err)
	}
}

func TestReadersContinueAfterAnUnreadableEvent(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.list(1)
	l.list(2)
	at := l.insert("gift-9", 1, "gift.gilded.v1", `{"gold":1}`)
	last := l.insert("gift-10", 1, "gift.withdrawn.v1", `{"gift":10}`)
	unread := func(r eventstore.Record) bool {
		return r.Position == at && r.Event == nil && r.Fault != nil && r.Type == "gift.gilded.v1" && string(r.Payload) == `{"gold":1}`
	}
	for _, user := range []domain.UserID{0, 7} {
		page, err := l.store.Read(t.Context(), eventstore.Query{User: user})
		if err != nil || page.Next != last || page.Head != last || !slices.ContainsFunc(page.Events, unread) {
			t.Fatalf("read %+v, %v", page, err)
		}
		if user == 0 && (len(page.Events) != 4 || page.Events[3].Event == nil || page.Events[3].Fault != nil) {
			t.Fatalf("read %+v", page)
		}
	}
	var broken *eventstore.DecodeError
	if _, err := l.store.ReadStream(t.Context(), "gift-9", 0, 10); !errors.As(err, &broken) || broken.Position != at {
		t.Fatalf("got %v", err)
	}
	var seen []eventstore.Record
	enough := errors.New("enough")
	err := l.store.Follow(t.Context(), 0, func(_ context.Context, events []eventstore.Record) error {
		if seen = append(seen, events...); len(seen) == 4 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || !unread(seen[2]) || seen[3].Event == nil {
		t.Fatalf("followed %+v, then %v", seen, err)
	}
}
