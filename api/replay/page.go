package replay

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"time"

	"roomlog/eventstore"
)

// MaxPage is the maximum number of events of a page, and DefaultPage the number if the request has no limit.
const (
	MaxPage     = 1000
	DefaultPage = 500
)

// maxPageReads is the maximum number of reads for one page, so that a page of rare events does not search the whole log.
const maxPageReads = 40

// EventPage is a page of events as JSON. End is "head" if the page may grow later, "until" if it is the last one, and ""
// if further pages follow.
type EventPage struct {
	Events []EventLine `json:"events" doc:"may be empty although further pages follow, if few events match"`
	Cursor string      `json:"cursor" example:"4711.5f0c2a77" doc:"send it as the parameter after to get the next page"`
	End    string      `json:"end,omitempty" enum:"head,until" doc:"head: no later event exists yet; until: the last page; absent: more follow"`
}

// EventCount is the number of events that a request selects.
type EventCount struct {
	Count  int64  `json:"count"`
	Cursor string `json:"cursor" example:"4711.5f0c2a77" doc:"cursor up to which the log was counted; send it as the parameter after"`
	End    string `json:"end,omitempty" enum:"head,until" doc:"head: counted up to the end of the log; until: up to the bound; absent: time was up, count on from the cursor and add"`
}

// Page is one page of a replay, ready to be sent.
type Page struct {
	Cursor string
	End    string // why the page ends, see EventPage
	config Config
	body   []byte
	kind   string // content type
}

// ReadPage reads a page of at most request.Limit events.
func (p *Player) ReadPage(ctx context.Context, request Request) (Page, error) {
	from, form := newSource(p.c, request), newEnvelope(p.c.Store, request)
	limit := request.Limit
	if limit == 0 {
		limit = DefaultPage
	}
	page := EventPage{Events: []EventLine{}}
	batch := []any{} // the events as CloudEvents
	n, end := int64(0), ""
	for reads := 0; end == "" && reads < maxPageReads; reads++ {
		var events []eventstore.Record
		var err error
		if events, end, err = from.read(ctx, limit-n); err != nil {
			return Page{}, err
		}
		n += int64(len(events))
		for _, r := range events {
			if request.Envelope == CloudEvents {
				batch = append(batch, form.event(r))
			} else {
				page.Events = append(page.Events, NewEventLine(r, request.Personal))
			}
		}
	}
	if end == endLimit {
		end = ""
	}
	cursor, err := from.cursor(ctx)
	if err != nil {
		return Page{}, err
	}
	page.Cursor, page.End = cursor, end
	if request.Envelope == CloudEvents {
		return p.page(cursor, end, "application/cloudevents-batch+json", batch)
	}
	return p.page(cursor, end, jsonType, page)
}

// Count counts the events that a request selects, for at most duration.
func (p *Player) Count(ctx context.Context, request Request, duration time.Duration) (Page, error) {
	from, deadline := newSource(p.c, request), p.c.Now().Add(duration)
	n, end, err := from.count(ctx, func() bool { return p.c.Now().Before(deadline) })
	if err != nil {
		return Page{}, err
	}
	cursor, err := from.cursor(ctx)
	if err != nil {
		return Page{}, err
	}
	return p.page(cursor, endHead, jsonType, EventCount{n, cursor, end}) // never cached
}

func (p *Player) page(cursor, end, kind string, body any) (Page, error) {
	var b bytes.Buffer
	if err := encode(&b, body); err != nil {
		return Page{}, err
	}
	return Page{cursor, end, p.c, b.Bytes(), kind}, nil
}

// Write sends a page. A client may cache a page that cannot grow, with two exceptions: a page with private fields,
// which may be erased later, and a page whose start depends on the time of the request.
func (p Page) Write(w http.ResponseWriter, r *http.Request, request Request) {
	h := w.Header()
	h.Set("Content-Type", p.kind)
	h.Add("Vary", "token, Authorization, Accept, Last-Event-ID")
	if p.End != endUntil {
		q := r.URL.Query()
		q.Del("from")
		q.Set("after", p.Cursor)
		h.Set("Link", fmt.Sprintf("<%s?%s>; rel=\"next\"", r.URL.Path, q.Encode()))
	}
	if p.End != endHead && !request.Personal && !request.Moving {
		tag := fmt.Sprintf(`W/"%x"`, sha256.Sum256(p.body))
		h.Set("ETag", tag)
		h.Set("Cache-Control", "private, max-age=86400, immutable")
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	s := newSender(p.config, w, request)
	for rest := p.body; len(rest) > 0; {
		n := min(len(rest), chunkBytes)
		if s.send(rest[:n]) != nil {
			return
		}
		rest = rest[n:]
	}
	s.end()
}
