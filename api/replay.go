package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"roomlog/domain"
	"roomlog/eventstore"
)

// Bounds of a replay.
const (
	eventsPerRead = 500
	maxTypes      = 100     // type filters
	maxInteger    = 1 << 40 // values of query parameters
)

// replay is a request to read the event log.
type replay struct {
	query  eventstore.Query
	follow bool
	lines  bool  // NDJSON; otherwise server-sent events
	limit  int64 // events; 0: no limit

	after   string // the cursor where it starts
	written int64  // events written so far
}

// replayEvents writes the events after a cursor, one per line, and with follow=true goes on as the log grows. The events are
// in order, without gaps or duplicates. Every line has a cursor with which an interrupted reader continues.
func (s *server) replayEvents(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	request, err := s.parseReplay(ctx, r)
	if err != nil {
		writeFailure(w, s.failure(ctx, err, nil))
		return
	}
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		f := newFailure(domain.CodeBusy, "too many event streams are open: try again later", nil)
		f.retryAfter = s.EventHeartbeat
		writeFailure(w, f)
		return
	}
	s.meters.streams.Inc()
	defer s.meters.streams.Dec()
	s.replay(ctx, request, s.newEventWriter(w, request))
}

func (s *server) parseReplay(ctx context.Context, r *http.Request) (replay, error) {
	ctx, cancel := context.WithTimeout(ctx, s.RequestTimeout)
	defer cancel()
	q := r.URL.Query()
	request := replay{lines: !strings.Contains(r.Header.Get("Accept"), "text/event-stream")}
	request.follow = !request.lines // an EventSource of a browser follows
	var live, user int64
	err := errors.Join(
		parseInteger(q, "live", &live), parseInteger(q, "user", &user),
		parseInteger(q, "limit", &request.limit), parseBoolean(q, "follow", &request.follow),
	)
	if err != nil {
		return replay{}, err
	}
	if request.query.Types, err = typeFilter(q["type"]); err != nil {
		return replay{}, err
	}
	request.after = cmp.Or(q.Get("after"), "0")
	if last := r.Header.Get("Last-Event-ID"); last != "" { // an EventSource reconnects
		request.after = last
	}
	request.query.Live, request.query.User, request.query.Limit = domain.LiveID(live), domain.UserID(user), eventsPerRead
	request.query.After, err = s.Store.ParseCursor(ctx, request.after)
	return request, err
}

// typeFilter returns the stored event types to search for. Older versions of an event are read as its newest version, so
// it includes them. It refuses unknown types.
func typeFilter(requested []string) ([]string, error) {
	if len(requested) > maxTypes {
		return nil, refusal(domain.CodeBadRequest, "type must be sent at most %d times (got %d)", maxTypes, len(requested))
	}
	var types []string
	for _, t := range requested {
		i := slices.IndexFunc(domain.Events, func(s domain.EventSpec) bool { return s.Type == t })
		if i < 0 {
			return nil, refusal(domain.CodeBadRequest, "there is no event type %.60q", t)
		}
		types = append(types, t)
		for older := range domain.Events[i].Upcasters {
			types = append(types, older)
		}
	}
	return types, nil
}

// replay writes events until the request is complete, the reader is gone or too slow, the server drains, or the reader has
// lost the role. The last line contains the reason and a cursor.
func (s *server) replay(ctx context.Context, request replay, out *eventWriter) {
	serving, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // ends with serving, which replay cancels when it returns
		select {
		case <-s.draining:
			cancel()
		case <-serving.Done():
		}
	}()
	for checked := s.Now(); ; {
		end, err := s.replayPage(serving, &request, out)
		if now := s.Now(); end == "" && err == nil && now.Sub(checked) >= s.EventHeartbeat {
			checked = now
			err = s.requireRole(serving, domain.RoleAnalyst)
		}
		switch {
		case ctx.Err() != nil || errors.Is(err, errReaderLost):
			return // the lines that the reader has contain its cursor
		case serving.Err() != nil:
			end = "shutdown"
		case err != nil:
			end = string(s.failure(ctx, err, nil).Code)
		}
		if end != "" {
			out.writeEnd(ctx, s.Store, end)
			return
		}
	}
}

// replayPage reads the log once and writes what it finds. If nothing is left to read, it waits for the log to grow. It
// returns why the replay is complete, or "".
func (s *server) replayPage(ctx context.Context, request *replay, out *eventWriter) (end string, err error) {
	seen := s.Store.Appended().Count()
	page, err := s.Store.Read(ctx, request.query)
	if err != nil {
		return "", err
	}
	full := request.limit > 0 && request.written+int64(len(page.Events)) >= request.limit
	if full {
		page.Events = page.Events[:request.limit-request.written]
	}
	if err := out.writeEvents(page.Events); err != nil {
		return "", err
	}
	request.written += int64(len(page.Events))
	if full {
		return "limit", nil
	}
	request.query.After = page.Next
	out.scanned = page.Next
	switch atHead := page.Next >= page.Head; {
	case atHead && !request.follow:
		return "head", nil
	case out.slow:
		return "slow", nil
	case atHead:
		s.Store.Appended().Wait(ctx, seen, s.EventHeartbeat)
	}
	if ctx.Err() == nil && s.Now().Sub(out.wroteAt) >= s.EventHeartbeat {
		return "", out.writeHeartbeat(ctx, s.Store)
	}
	return "", nil
}

func parseInteger(q url.Values, name string, v *int64) error {
	text := q.Get(name)
	if text == "" {
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > maxInteger {
		return refusal(domain.CodeBadRequest, "%s must be a whole number from 0 to %d (got %.40q)", name, int64(maxInteger), text)
	}
	*v = n
	return nil
}

func parseBoolean(q url.Values, name string, v *bool) error {
	text := q.Get(name)
	if text == "" {
		return nil
	}
	b, err := strconv.ParseBool(text)
	if err != nil {
		return refusal(domain.CodeBadRequest, "%s must be true or false (got %.40q)", name, text)
	}
	*v = b
	return nil
}
