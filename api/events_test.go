package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"roomlog/api"
	"roomlog/domain"
)

// line is one decoded line of a replay.
type line struct {
	Cursor     string
	Position   int64
	Stream     string
	Version    int
	EventID    string `json:"event_id"`
	Type       string
	Data       json.RawMessage
	Actor      string
	Live       int64
	RecordedAt time.Time `json:"recorded_at"`
	End        string
	Text       string

	Undecodable string
	Payload     json.RawMessage
}

func (a account) replay(query string, headers ...string) []line {
	a.Helper()
	reply := a.get("/api/events"+query, headers...)
	if reply.status != 200 {
		a.Fatalf("%s: got %d %s, want 200", query, reply.status, reply.raw)
	}
	return lines(a, string(reply.raw))
}

func lines(t testing.TB, text string) []line {
	t.Helper()
	var all []line
	for raw := range strings.Lines(text) {
		var l line
		if err := json.Unmarshal([]byte(raw), &l); err != nil {
			t.Fatalf("%v: %s", err, raw)
		}
		all = append(all, l)
	}
	return all
}

// stream reads an open response of GET /api/events.
type stream struct {
	testing.TB
	response *http.Response
	scanner  *bufio.Scanner
	cancel   context.CancelFunc
}

func (a account) follow(query string, headers ...string) *stream {
	a.Helper()
	ctx, cancel := context.WithCancel(a.Context())
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, a.url+"/api/events"+query, nil)
	r.Header.Set("token", a.Token)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		a.Fatal(err)
	}
	a.Cleanup(func() { cancel(); response.Body.Close() })
	if response.StatusCode != http.StatusOK {
		raw, _ := io.ReadAll(response.Body)
		a.Fatalf("got %d %s, want %v", response.StatusCode, raw, http.StatusOK)
	}
	return &stream{a, response, bufio.NewScanner(response.Body), cancel}
}

// text returns the next line, or "" at the end of the response.
func (s *stream) text() string {
	s.Helper()
	late := time.AfterFunc(testTimeout, s.cancel)
	defer late.Stop()
	if !s.scanner.Scan() {
		if s.scanner.Err() != nil {
			s.Fatalf("the stream broke, or was silent for %v: %v", testTimeout, s.scanner.Err())
		}
		return ""
	}
	return s.scanner.Text()
}

func (s *stream) next() line {
	s.Helper()
	return lines(s, s.text())[0]
}

// event returns the next line with an event, or the last line. A reader that has caught up with the log gets a line without
// an event.
func (s *stream) event() line {
	s.Helper()
	for deadline := time.Now().Add(testTimeout); ; {
		l := s.next()
		if l.Type != "" || l.End != "" {
			return l
		}
		if time.Now().After(deadline) {
			s.Fatalf("no event within %v", testTimeout)
		}
	}
}

func TestEventsHistory(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a, b := d.account("alice"), d.account("bob")
	a.grant(domain.RoleAnalyst).grant(domain.RolePersonal)
	gift := d.gift("Rose", 3)
	first, second := b.onAir("one"), b.onAir("two")
	b.credit(100)
	for i := range 3 {
		b.command(domain.PostComment{Live: first, Text: fmt.Sprintf("comment %d", i)})
		b.command(domain.SendGift{Live: second, Gift: gift, Num: 1 + i})
	}
	head, err := d.store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := a.replay("")
	t.Run("contains every event in order, and a last line", func(t *testing.T) {
		if int64(len(all)) != head+1 {
			t.Fatalf("%d lines for %d events", len(all), head)
		}
		for i, l := range all[:head] {
			if l.Position != int64(i+1) || l.Type == "" || l.Stream == "" || l.Version < 1 || len(l.EventID) != 36 || len(l.Data) < 2 || l.Actor == "" || l.RecordedAt.IsZero() {
				t.Fatalf("line %d is %+v", i, l)
			}
			if position, err := d.store.ParseCursor(t.Context(), l.Cursor); err != nil || position != l.Position {
				t.Fatalf("cursor %q: %d, %v, want %v", l.Cursor, position, err, l.Position)
			}
		}
		if last := all[head]; last.End != "head" || last.Cursor != all[head-1].Cursor {
			t.Fatalf("last line %+v", last)
		}
	})
	t.Run("contains the texts of users", func(t *testing.T) {
		var registered domain.UserRegistered
		if err := json.Unmarshal(all[0].Data, &registered); err != nil || registered.Username != "alice" || all[0].Type != "user.registered.v1" || all[0].Actor != "anonymous" {
			t.Fatalf("got %+v, %v", all[0], err)
		}
	})
	t.Run("continues after each cursor", func(t *testing.T) {
		for i := 0; i < int(head); i += 5 {
			rest := a.replay("?after=" + all[i].Cursor)
			if len(rest) != len(all)-i-1 || len(rest) > 1 && rest[0].Position != all[i].Position+1 {
				t.Fatalf("after %s: %d lines", all[i].Cursor, len(rest))
			}
		}
	})
	match := func(t *testing.T, query string, want func(line) bool) {
		t.Helper()
		var expected, got []int64
		for _, l := range all[:head] {
			if want(l) {
				expected = append(expected, l.Position)
			}
		}
		found := a.replay(query)
		for _, l := range found[:len(found)-1] {
			got = append(got, l.Position)
		}
		if fmt.Sprint(got) != fmt.Sprint(expected) || len(expected) == 0 {
			t.Fatalf("%s: got %v, want %v", query, got, expected)
		}
		if last := found[len(found)-1]; last.End != "head" || last.Cursor != all[head].Cursor {
			t.Fatalf(`%s: the last line %+v does not have the cursor of the end, want End "head", Cursor %v`, query, last, all[head].Cursor)
		}
	}
	t.Run("filters by type", func(t *testing.T) {
		match(t, "?type=gift.sent.v2", func(l line) bool { return l.Type == "gift.sent.v2" })
		match(t, "?type=gift.sent.v2&type=comment.posted.v1", func(l line) bool { return l.Type == "gift.sent.v2" || l.Type == "comment.posted.v1" })
	})
	t.Run("filters by live", func(t *testing.T) {
		match(t, fmt.Sprintf("?live=%d", first), func(l line) bool { return l.Live == int64(first) })
		match(t, fmt.Sprintf("?live=%d&type=live.created.v1", first), func(l line) bool { return l.Live == int64(first) && l.Type == "live.created.v1" })
	})
	t.Run("filters by user", func(t *testing.T) {
		match(t, fmt.Sprintf("?user=%d&type=user.registered.v1", b.ID), func(l line) bool { return l.Type == "user.registered.v1" && l.Position > 2 })
	})
	t.Run("ends after limit events", func(t *testing.T) {
		found := a.replay("?limit=4")
		if len(found) != 5 || found[4].End != "limit" || found[4].Cursor != found[3].Cursor || found[3].Position != 4 {
			t.Fatalf("got %+v", found)
		}
		comments := a.replay("?type=comment.posted.v1&limit=2")
		if len(comments) != 3 || comments[2].Cursor != comments[1].Cursor {
			t.Fatalf("got %+v", comments)
		}
	})
	t.Run("advances the cursor if no event matches", func(t *testing.T) {
		found := a.replay("?type=order.paid.v1&live=77")
		if len(found) != 1 || found[0].Cursor != all[head].Cursor {
			t.Fatalf("got %+v", found)
		}
	})
	t.Run("shows erased texts of a forgotten user", func(t *testing.T) {
		d.operator(domain.ForgetUser{User: b.ID})
		for _, l := range a.replay("?type=comment.posted.v1")[:3] {
			if !strings.Contains(string(l.Data), `"text":"erased"`) || strings.Contains(string(l.Data), "comment") {
				t.Fatalf("got %s", l.Data)
			}
		}
	})
}

// TestUndecodableEvents checks that an event of a newer version is written as stored, and that later events follow.
func TestUndecodableEvents(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a := d.account("alice").grant(domain.RoleAnalyst)
	personal := d.account("bob").grant(domain.RoleAnalyst).grant(domain.RolePersonal)
	var at int64
	err := d.db.Owner.QueryRow(t.Context(), `
		INSERT INTO events SELECT max(position) + 1, 'gift-9', 1, gen_random_uuid(), 'gift.gilded.v1', '{"gold": 1}', '{"actor":"operator"}', NULL, now()
		FROM events RETURNING position`).Scan(&at)
	if err != nil {
		t.Fatal(err)
	}
	behind, err := d.sequencer.Execute(t.Context(), domain.Request{Command: domain.AddGift{Name: "rose", Price: 1}, Actor: domain.Actor{Kind: domain.Operator}})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range a.replay("") { // the reader lacks the role personal
		if l.Position == at && (l.Type != "gift.gilded.v1" || l.Undecodable == "" || l.Payload != nil) {
			t.Fatalf("got %+v", l)
		}
	}
	a = personal
	for _, query := range []string{"", "?user=4711"} {
		var found []line
		for _, l := range a.replay(query) {
			if l.Position >= at && l.End == "" && l.Type != "" {
				found = append(found, l)
			}
		}
		if len(found) == 0 || found[0].Type != "gift.gilded.v1" || found[0].Undecodable == "" || string(found[0].Payload) != `{"gold":1}` ||
			string(found[0].Data) != "null" || found[0].Stream != "gift-9" || found[0].Cursor == "" {
			t.Fatalf("%q: got %+v", query, found)
		}
		if query == "" && (len(found) != 2 || found[1].Position != behind.Position || found[1].Undecodable != "" || found[1].Payload != nil) {
			t.Fatalf("behind it: %+v", found)
		}
	}
}

func TestEventsRefusesInvalidRequests(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a, b := d.account("alice"), d.account("bob")
	a.grant(domain.RoleAnalyst)
	b.grant(domain.RoleAuditor).get("/api/events").expectFailure(403, domain.CodeForbidden, textNoToken)
	good := a.replay("?limit=1")[0].Cursor
	last := good[len(good)-1]
	other := good[:len(good)-1] + string("0123456789abcdef"[(strings.IndexByte("0123456789abcdef", last)+1)%16])
	const restored = "参数错误"
	for _, cursor := range []string{other, "999999" + good[1:]} {
		a.get("/api/events?after="+cursor).expectFailure(409, "cursor_lost", restored)
		a.get("/api/events", "Last-Event-ID", cursor).expectFailure(409, "cursor_lost", restored)
	}
	for _, cursor := range []string{"x", "1", "-1", "1.", "1.x", good + "0", good + ".1", "%20", strings.Repeat("1", 10_000)} {
		a.get("/api/events?after="+cursor).expectFailure(400, "cursor_invalid", textBad)
	}
	for _, query := range []string{"type=gift.sent.v9", "type=", "live=x", "live=-1", "user=1.5", "limit=-1", "limit=99999999999999999999", "follow=perhaps",
		strings.Repeat("type=gift.sent.v2&", 101)} {
		a.get("/api/events?"+query).expectFailure(400, domain.CodeBadRequest, textBad)
	}
}

func TestEventsFollow(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a, b := d.account("alice"), d.account("bob")
	a.grant(domain.RoleAnalyst).grant(domain.RolePersonal)
	live := b.onAir("show")
	t.Run("past and new events follow without gaps or duplicates", func(t *testing.T) {
		const writers, each = 4, 50
		session, err := d.queries.Session(t.Context(), b.ID)
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		write := func(n int) {
			for range writers {
				all.Go(func() {
					for i := range n {
						_, err := d.sequencer.Execute(t.Context(), domain.Request{
							Actor: domain.AuthenticatedActor(b.ID, session), Command: domain.PostComment{Live: live, Text: fmt.Sprint(i)},
						})
						if err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
		write(each)
		s := a.follow("?follow=true&type=comment.posted.v1")
		everything := a.follow("?follow=true")
		write(each)
		all.Wait()
		var before int64
		for range 2 * writers * each {
			l := s.event()
			if l.Type != "comment.posted.v1" || l.Position <= before {
				t.Fatalf("after position %d got %+v", before, l)
			}
			before = l.Position
		}
		for want := int64(1); want <= before; want++ {
			if l := everything.event(); l.Position != want {
				t.Fatalf("position %d is %d, want %v", want, l.Position, want)
			}
		}
		b.command(domain.PostComment{Live: live, Text: "the newest"})
		if l := s.event(); !strings.Contains(string(l.Data), "the newest") {
			t.Fatalf("got %+v", l)
		}
	})
	t.Run("server-sent events continue after Last-Event-ID", func(t *testing.T) {
		from := a.replay("?limit=2")[1].Cursor
		s := a.follow("?type=live.created.v1", "Accept", "text/event-stream", "Last-Event-ID", from)
		if kind := s.response.Header.Get("Content-Type"); kind != "text/event-stream" {
			t.Fatalf(`content type %q, want "text/event-stream"`, kind)
		}
		id, data, blank := s.text(), s.text(), s.text()
		cursor, isID := strings.CutPrefix(id, "id: ")
		body, isData := strings.CutPrefix(data, "data: ")
		if !isID || !isData || blank != "" {
			t.Fatalf("got %q %q %q", id, data, blank)
		}
		l := lines(t, body)[0]
		if l.Type != "live.created.v1" || l.Cursor != cursor {
			t.Fatalf("got %+v", l)
		}
		b.live("another") // an EventSource follows the log by default
		if next := s.text(); !strings.HasPrefix(next, "id: ") {
			t.Fatalf("got %q", next)
		}
	})
	t.Run("ends when the server drains", func(t *testing.T) {
		s := a.follow("?follow=true&type=order.paid.v1")
		d.api.Drain()
		head, _ := d.store.Head(t.Context())
		cursor, _ := d.store.Cursor(t.Context(), head)
		l := s.next()
		if l.End == "" { // the cursor of the end of the history
			l = s.next()
		}
		if l.End != "shutdown" || l.Cursor != cursor {
			t.Fatalf("got %+v, want %s", l, cursor)
		}
		if rest := s.text(); rest != "" {
			t.Fatalf(`after the last line comes %q, want ""`, rest)
		}
	})
}

// TestEventsOfALostHistory lets the database fall back to an earlier state while a reader follows. Other events then
// take the positions of events that the reader has received.
func TestEventsOfALostHistory(t *testing.T) {
	t.Parallel()
	for name, matching := range map[string]string{"a reader of all events": "", "a reader whose filter matches nothing": "&type=order.paid.v1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := startAPI(t, func(c *api.Config) { c.EventHeartbeat = 20 * time.Millisecond })
			a := d.account("alice")
			a.grant(domain.RoleAnalyst)
			kept, _ := d.store.Head(t.Context())
			a.live("lost")
			head, _ := d.store.Head(t.Context())
			s := a.follow("?follow=true" + matching)
			last := s.next()
			for reached := int64(0); reached < head; {
				if reached = last.Position; reached == 0 {
					reached, _ = strconv.ParseInt(strings.SplitN(last.Cursor, ".", 2)[0], 10, 64)
				}
				if reached < head {
					last = s.next()
				}
			}
			_, err := d.db.Owner.Exec(t.Context(), fmt.Sprintf("SELECT pg_advisory_xact_lock(%d); ALTER TABLE public.events DISABLE TRIGGER ALL; DELETE FROM public.events WHERE position > %d", 0x6c6f67, kept))
			if err != nil {
				t.Fatal(err)
			}
			for range 3 { // the tables belong to the lost history, so they do not follow
				_, err := d.sequencer.Execute(t.Context(), domain.Request{Command: domain.AddGift{Name: "another", Price: 3}, Actor: domain.Actor{Kind: domain.Operator}})
				if err != nil {
					t.Fatal(err)
				}
			}
			end := s.next()
			for end.End == "" {
				if end.Type != "" {
					t.Fatalf("got %+v of another history", end)
				}
				end = s.next()
			}
			if end.End != "cursor_lost" || end.Cursor != last.Cursor {
				t.Errorf("the stream ended with %+v, want cursor_lost and the cursor %s", end, last.Cursor)
			}
			if got := a.get("/api/events?after=" + end.Cursor); got.status != http.StatusConflict {
				t.Errorf("got status %d for its cursor, want 409", got.status)
			}
		})
	}
}

func TestEventsHeartbeat(t *testing.T) {
	t.Parallel()
	d := startAPI(t, func(c *api.Config) { c.EventHeartbeat = 20 * time.Millisecond })
	a := d.account("alice")
	a.grant(domain.RoleAnalyst)
	t.Run("has a cursor that advances if no event matches", func(t *testing.T) {
		s := a.follow("?follow=true&type=order.paid.v1")
		first := s.next()
		a.live("something else happens")
		head, _ := d.store.Head(t.Context())
		cursor, _ := d.store.Cursor(t.Context(), head)
		for l := first; l.Cursor != cursor; l = s.next() {
			if l.End != "" || l.Type != "" {
				t.Fatalf("got %+v", l)
			}
		}
	})
	t.Run("is a named server-sent event", func(t *testing.T) {
		s := a.follow("?type=order.paid.v1", "Accept", "text/event-stream")
		if id, name, data := s.text(), s.text(), s.text(); !strings.HasPrefix(id, "id: ") || name != "event: cursor" || !strings.HasPrefix(data, `data: {"cursor":"`) {
			t.Fatalf("got %q %q %q", id, name, data)
		}
	})
}

func TestEventStreamsAreBounded(t *testing.T) {
	t.Parallel()
	d := startAPI(t, func(c *api.Config) { c.EventStreams = 2 })
	a := d.account("alice")
	a.grant(domain.RoleAnalyst)
	first := a.follow("?follow=true")
	a.follow("?follow=true")
	refused := a.get("/api/events")
	refused.expectFailure(503, domain.CodeBusy, "系统繁忙，请稍后再试")
	if refused.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	first.cancel()
	d.eventually(func() error {
		if got := a.get("/api/events"); got.status != 200 {
			return fmt.Errorf("%d %s", got.status, got.raw)
		}
		return nil
	})
}
