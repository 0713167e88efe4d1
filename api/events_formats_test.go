package api_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/klauspost/compress/zstd"

	"roomlog/api"
	"roomlog/domain"
)

// page is one decoded page of events.
type page struct {
	Events []line
	Cursor string
	End    string
	Count  int64
}

func (a account) page(query string) (page, reply) {
	a.Helper()
	reply := a.get("/api/events" + query)
	if reply.status != 200 {
		a.Fatalf("%s: got %d %s, want 200", query, reply.status, reply.raw)
	}
	var p page
	decode(a, reply, &p)
	return p, reply
}

// positions returns the positions of the lines that are events.
func positions(all []line) []int64 {
	got := []int64{}
	for _, l := range all {
		if l.Position != 0 {
			got = append(got, l.Position)
		}
	}
	return got
}

// withHistory starts an API whose log has events of several kinds. It returns an analyst, a streamer and all events.
func withHistory(t *testing.T, changes ...func(*api.Config)) (a, b account, all []line) {
	t.Helper()
	d := startAPI(t, changes...)
	a, b = d.account("alice").grant(domain.RoleAnalyst), d.account("bob")
	gift := d.gift("Rose", 3)
	live := b.onAir("one")
	b.credit(100)
	for i := range 5 {
		b.command(domain.PostComment{Live: live, Text: fmt.Sprintf("comment %d", i)})
		b.command(domain.SendGift{Live: live, Gift: gift, Num: 1})
	}
	all = a.replay("")
	return a, b, all[:len(all)-1]
}

func TestEventsRangesAndFilters(t *testing.T) {
	t.Parallel()
	a, b, all := withHistory(t)
	at := func(i int) string { return url.QueryEscape(all[i].RecordedAt.Format(time.RFC3339Nano)) }
	wallet := fmt.Sprintf("wallet-%d", b.ID)
	for query, want := range map[string]func(line) bool{
		"?":                                 func(line) bool { return true },
		"?from=beginning&until=6":           func(l line) bool { return l.Position < 6 },
		"?from=4&until=9":                   func(l line) bool { return l.Position >= 4 && l.Position < 9 },
		"?from=3&until=3":                   func(line) bool { return false },
		"?until=1":                          func(line) bool { return false },
		"?from=now":                         func(line) bool { return false },
		fmt.Sprint("?from=", len(all)+1):    func(line) bool { return false },
		"?after=" + all[6].Cursor:           func(l line) bool { return l.Position > all[6].Position },
		"?from=" + at(5):                    func(l line) bool { return !l.RecordedAt.Before(all[5].RecordedAt) },
		"?until=" + at(8):                   func(l line) bool { return l.RecordedAt.Before(all[8].RecordedAt) },
		"?from=2001-01-01&until=2002-01-01": func(line) bool { return false },
		"?from=2001-01-01&until=2999-01-01": func(line) bool { return true },
		"?type=gift.*":                      func(l line) bool { return strings.HasPrefix(l.Type, "gift.") },
		"?type=gift.sent.v2,comment.*,user.registered.v1&type=live.*": func(l line) bool {
			return regexp.MustCompile(`^(gift\.sent|comment\.|user\.registered|live\.)`).MatchString(l.Type)
		},
		"?stream=" + wallet:                         func(l line) bool { return l.Stream == wallet },
		"?stream=" + wallet + "&type=gift.*&from=9": func(l line) bool { return l.Stream == wallet && l.Type == "gift.sent.v2" && l.Position >= 9 },
		"?stream=" + wallet + "&live=77":            func(line) bool { return false },
		fmt.Sprintf("?user=%d&until=%d", b.ID, len(all)): func(l line) bool {
			return false || l.Position < int64(len(all)) && l.Actor == fmt.Sprintf("user-%d", b.ID)
		},
	} {
		expected := []int64{}
		for _, l := range all {
			if want(l) {
				expected = append(expected, l.Position)
			}
		}
		if strings.Contains(query, "user=") { // the events about a user have other actors, too
			expected = positions(a.replay(query))
		}
		found := a.replay(query)
		if got := positions(found); !slices.Equal(got, expected) {
			t.Errorf("%s: got %v, want %v", query, got, expected)
		}
		if end := found[len(found)-1].End; end != "head" && end != "until" {
			t.Errorf("%s: the end is %q", query, end)
		}
		if p, _ := a.page(query + "&format=json"); !slices.Equal(positions(p.Events), expected) || p.Cursor != found[len(found)-1].Cursor || p.End != found[len(found)-1].End {
			t.Errorf("%s: the page is %v %s %s, want %v", query, positions(p.Events), p.Cursor, p.End, expected)
		}
		if p, _ := a.page(query + "&count=true"); p.Count != int64(len(expected)) || p.Cursor != found[len(found)-1].Cursor || p.End != found[len(found)-1].End {
			t.Errorf("%s: the count is %d %s %s, want %d %+v", query, p.Count, p.Cursor, p.End, len(expected), found[len(found)-1])
		}
	}
}

func TestEventPages(t *testing.T) {
	t.Parallel()
	a, b, all := withHistory(t)
	var got []int64
	next := "/api/events?format=json&limit=7&from=beginning"
	for pages := 0; next != ""; pages++ {
		reply := a.get(next)
		var p page
		decode(t, reply, &p)
		got = append(got, positions(p.Events)...)
		tag, cache := reply.header.Get("ETag"), reply.header.Get("Cache-Control")
		if p.End == "head" {
			if tag != "" || cache != "no-store" {
				t.Errorf("a page that grows may be cached: %q %q", tag, cache)
			}
			break
		}
		if len(p.Events) != 7 || tag == "" || cache != "private, max-age=86400, immutable" {
			t.Errorf("a complete page: %d events, %q %q", len(p.Events), tag, cache)
		}
		b.live("the log grows")
		if again := a.get(next); string(again.raw) != string(reply.raw) {
			t.Errorf("a complete page has changed")
		}
		if again := a.get(next, "If-None-Match", tag); again.status != http.StatusNotModified || len(again.raw) != 0 {
			t.Errorf("got %d %s, want 304", again.status, again.raw)
		}
		if personal := b; pages == 0 {
			personal.grant(domain.RoleAnalyst).grant(domain.RolePersonal)
			if full := personal.get(next); full.header.Get("ETag") != "" || full.header.Get("Cache-Control") != "no-store" {
				t.Error("a page with private fields may be cached")
			}
		}
		link := regexp.MustCompile(`^<(.*)>; rel="next"$`).FindStringSubmatch(reply.header.Get("Link"))
		if link == nil || !strings.Contains(link[1], url.QueryEscape(p.Cursor)) {
			t.Fatalf("Link: %q", reply.header.Get("Link"))
		}
		next = link[1]
	}
	for i, position := range got {
		if position != int64(i+1) {
			t.Fatalf("got %v", got)
		}
	}
	if len(got) <= len(all) {
		t.Errorf("got %d events, want more than %d", len(got), len(all))
	}
	if p, _ := a.page(fmt.Sprintf("?format=json&after=%s&user=%d&limit=1", all[0].Cursor, b.ID)); len(p.Events) != 1 || p.End != "" {
		t.Errorf("got %+v", p)
	}
	head := positions(a.replay(""))
	if p, r := a.page(fmt.Sprintf("?format=json&from=now&until=%d", len(head)+1)); p.End != "until" || r.header.Get("ETag") != "" || r.header.Get("Cache-Control") != "no-store" {
		t.Errorf("a page that begins now may be cached: %+v %v", p, r.header)
	}
}

// TestCloudEvents reads events with the official SDK.
func TestCloudEvents(t *testing.T) {
	t.Parallel()
	a, _, all := withHistory(t)
	check := func(t *testing.T, e cloudevents.Event, want line) {
		t.Helper()
		if err := e.Validate(); err != nil {
			t.Fatalf("%v: %s", err, e)
		}
		var data any
		if err := e.DataAs(&data); err != nil {
			t.Fatal(err)
		}
		extensions := e.Extensions()
		if e.SpecVersion() != "1.0" || e.ID() != want.EventID || e.Type() != want.Type || e.Subject() != want.Stream || !e.Time().Equal(want.RecordedAt) ||
			e.DataSchema() != a.url+"/schemas/"+want.Type+".json" || string(e.Data()) != string(want.Data) || !strings.HasPrefix(e.Source(), "urn:uuid:") ||
			extensions["cursor"] != want.Cursor || extensions["sequence"] != fmt.Sprintf("%019d", want.Position) || extensions["actor"] != want.Actor {
			t.Fatalf("got %s, want %+v", e, want)
		}
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, a.url+"/api/events?format=json&envelope=cloudevents", nil)
	r.Header.Set("token", a.Token)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	batch, err := cehttp.NewEventsFromHTTPResponse(response)
	if err != nil || len(batch) != len(all) {
		t.Fatalf("%d events, want %d, %v", len(batch), len(all), err)
	}
	for i, e := range batch {
		check(t, e, all[i])
	}
	read := func(text string) (found []cloudevents.Event) {
		for raw := range strings.Lines(text) {
			if raw = strings.TrimPrefix(raw, "data: "); !strings.HasPrefix(raw, "{") {
				continue
			}
			var e cloudevents.Event
			if err := json.Unmarshal([]byte(raw), &e); err != nil {
				t.Fatalf("%v: %s", err, raw)
			}
			found = append(found, e)
		}
		return found
	}
	for _, query := range []string{"?envelope=cloudevents", "?envelope=cloudevents&format=sse&follow=false"} {
		found := read(string(a.get("/api/events" + query).raw))
		if len(found) != len(all)+1 {
			t.Fatalf("%s: %d lines, want %d", query, len(found), len(all)+1)
		}
		for i, e := range found[:len(all)] {
			check(t, e, all[i])
		}
		last := found[len(all)]
		var end line
		if err := last.Validate(); err != nil || last.Type() != "roomlog.cursor.v1" || last.DataAs(&end) != nil || end.End != "head" || end.Cursor != all[len(all)-1].Cursor {
			t.Errorf("%s: the last line is %s, %v", query, last, err)
		}
	}
}

func TestEventsAreCompressedOnRequest(t *testing.T) {
	t.Parallel()
	a, b, all := withHistory(t)
	readers := map[string]func(io.Reader) (io.Reader, error){
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r, zstd.WithDecoderConcurrency(1)) },
	}
	for _, query := range []string{"", "?format=json"} {
		for accepted, coding := range map[string]string{"gzip": "gzip", "zstd": "zstd", "gzip, deflate, br, zstd": "zstd", "gzip, zstd;q=0.5": "gzip"} {
			compressed := a.get("/api/events"+query, "Accept-Encoding", accepted)
			if got := compressed.header.Get("Content-Encoding"); got != coding {
				t.Fatalf("%q: Accept-Encoding %q: the coding is %q, want %q", query, accepted, got, coding)
			}
			plain, err := readers[coding](strings.NewReader(string(compressed.raw)))
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(plain)
			if want := a.get("/api/events"+query, "Accept-Encoding", "identity"); err != nil || string(text) != string(want.raw) || want.header.Get("Content-Encoding") != "" {
				t.Errorf("%q: %s: got %s, %v, want %s", query, coding, text, err, want.raw)
			}
		}
	}
	s := a.follow("?follow=true&after=" + all[len(all)-1].Cursor) // the transport of net/http asks for gzip and decompresses
	if !s.response.Uncompressed {
		t.Error("a stream is not compressed")
	}
	s.next()
	b.live("now")
	if l := s.next(); l.Type != "live.created.v1" {
		t.Errorf("got %+v: a compressed stream must deliver every event at once", l)
	}
}

func TestFollowingReaders(t *testing.T) {
	t.Parallel()
	a, b, all := withHistory(t)
	t.Run("receive the cursor of the end of the history", func(t *testing.T) {
		for _, query := range []string{"?follow=true&type=user.kicked.v1&from=5", "?follow=true&from=now", "?follow=true&live=77"} {
			if l := a.follow(query).next(); l.End != "" || l.Position != 0 || l.Cursor != all[len(all)-1].Cursor {
				t.Errorf("%s: got %+v", query, l)
			}
		}
	})
	t.Run("end before a time", func(t *testing.T) {
		until := time.Now().Add(300 * time.Millisecond)
		s := a.follow("?follow=true&type=live.*&until=" + url.QueryEscape(until.Format(time.RFC3339Nano)))
		done := make(chan []line)
		go func() {
			var got []line
			for text := s.text(); text != ""; text = s.text() {
				got = append(got, lines(t, text)...)
			}
			done <- got
		}()
		var got []line
		for got == nil {
			b.live("another")
			select {
			case got = <-done:
			default:
			}
		}
		last := got[len(got)-1]
		if last.End != "until" {
			t.Errorf("the end is %+v", last)
		}
		want := []int64{}
		for _, l := range a.replay("?type=live.*") {
			if l.Position != 0 && l.RecordedAt.Before(until) {
				want = append(want, l.Position)
			}
		}
		if !slices.Equal(positions(got), want) {
			t.Errorf("got %v, want %v", positions(got), want)
		}
	})
	t.Run("end before a position", func(t *testing.T) {
		head := a.replay("?from=now")[0].Cursor
		at := all[len(all)-1].Position
		fmt.Sscanf(head, "%d.", &at)
		s := a.follow(fmt.Sprintf("?follow=true&after=%s&until=%d", head, at+3))
		for range 3 {
			b.live("another")
		}
		var got []line
		for text := s.text(); text != ""; text = s.text() {
			got = append(got, lines(t, text)...)
		}
		if want := []int64{at + 1, at + 2}; !slices.Equal(positions(got), want) || got[len(got)-1].End != "until" {
			t.Errorf("got %+v, want %v", got, want)
		}
	})
}

// TestInvalidEventParametersAreExplained checks that each refusal names the parameter and what to send.
func TestInvalidEventParametersAreExplained(t *testing.T) {
	t.Parallel()
	a, _, all := withHistory(t)
	for query, want := range map[string]string{
		"from=yesterday":                         "from must be beginning, now, a position like 4711, a day",
		"from=" + all[3].Cursor:                  "a cursor belongs into after",
		"from=0":                                 "from must be beginning, now, a position",
		"from=-1":                                "from must be",
		"from=%2B7":                              "from must be",
		"from=":                                  "from must be",
		"from=99999":                             "from must be a position up to",
		"from=9999999999999999999999":            "from must be",
		"from=2999-01-01":                        "from must not be in the future",
		"from=2026-02-30":                        "from must be",
		"from=now&after=0":                       "send either from or after",
		"until=now":                              "until must be a position",
		"until=0":                                "until must be",
		"until=":                                 "until must be",
		"until=2026-01-31T00:00:00+01:00":        "write + as %2B",
		"from=9&until=3":                         "until must not be before from",
		"from=now&until=2001-01-01":              "until must not be before from",
		"type=gift":                              `type: there is no event type "gift"`,
		"type=gift*":                             "type: there is no event type",
		"type=*":                                 "type: there is no event type",
		"type=gift.sent.v2,":                     "type: there is no event type",
		"type=nothing.*":                         "type: there is no event type",
		"stream=":                                "stream must be the name of a stream",
		"stream=wallets-1":                       "stream must be the name of a stream",
		"stream=wallet-1&stream=wallet-2":        "stream must be sent at most once",
		"format=csv":                             "format must be one of ndjson, sse, json",
		"envelope=soap":                          "envelope must be one of roomlog, cloudevents",
		"format=json&follow=true":                "follow=true needs format=ndjson or format=sse",
		"format=json&limit=1001":                 "limit must be at most 1000 with format=json",
		"count=perhaps":                          "count must be true or false",
		"count=true&follow=true":                 "count=true returns one JSON object",
		"count=true&format=sse":                  "count=true returns one JSON object",
		"count=true&limit=3":                     "count=true returns one JSON object",
		"live=0":                                 "live must be a whole number from 1",
		"to=7":                                   `there is no query parameter "to"`,
		"until=7&until=8":                        "until must be sent at most once",
		"type=" + strings.Repeat("gift.*,", 101): "type must contain at most 100 types",
		"from=%00":                               "from must be text in UTF-8",
		"stream=wallet-1%00":                     "stream must be text in UTF-8",
		"after=1%00":                             "after must be text in UTF-8",
		"after=1.x":                              "the cursor is not valid",
	} {
		reply := a.get("/api/events?" + query)
		if e := reply.envelope(); reply.status != 400 || !strings.Contains(e.TextEN, want) {
			t.Errorf("%.60s: got %d %s, want %q", query, reply.status, reply.raw, want)
		}
	}
}
