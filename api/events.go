package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"roomlog/domain"
	"roomlog/eventstore"
)

// Bounds of one look at the log.
const (
	eventsAtOnce  = 500
	maxTypes      = 100
	maxEventLimit = 1 << 40
)

// replay is what an analyst asks for.
type replay struct {
	query  eventstore.Query
	follow bool
	lines  bool  // NDJSON, else server-sent events
	limit  int64 // of events; 0: none

	after   string // the cursor it began with
	written int64
}

// events answers the log from a cursor on, as one line an event, and with follow=true goes on as
// it grows: in order, without a gap, without a double. Every line carries a cursor, so a reader
// that was interrupted goes on where it was.
func (s *server) events(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	asked, err := s.admitReplay(ctx, r)
	if err != nil {
		writeFailure(w, s.failed(ctx, err, nil))
		return
	}
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		f := fail(domain.CodeBusy, "too many streams are open", nil)
		f.retry = s.EventBeat
		writeFailure(w, f)
		return
	}
	s.meters.streams.Inc()
	defer s.meters.streams.Dec()
	s.replay(ctx, asked, s.newEventWriter(w, asked))
}

func (s *server) admitReplay(ctx context.Context, r *http.Request) (replay, error) {
	ctx, cancel := context.WithTimeout(ctx, s.RequestTimeout)
	defer cancel()
	if _, err := s.holder(ctx, domain.RoleAnalyst); err != nil {
		return replay{}, err
	}
	return s.parseReplay(ctx, r)
}

func (s *server) parseReplay(ctx context.Context, r *http.Request) (replay, error) {
	q := r.URL.Query()
	asked := replay{lines: !strings.Contains(r.Header.Get("Accept"), "text/event-stream")}
	asked.follow = !asked.lines // what a browser's EventSource is for
	var live, user int64
	err := errors.Join(
		integer(q.Get("live"), &live), integer(q.Get("user"), &user),
		integer(q.Get("limit"), &asked.limit), boolean(q.Get("follow"), &asked.follow),
	)
	if err != nil {
		return replay{}, err
	}
	if asked.query.Types, err = knownTypes(q["type"]); err != nil {
		return replay{}, err
	}
	asked.after = cmp.Or(q.Get("after"), "0")
	if last := r.Header.Get("Last-Event-ID"); last != "" { // of an EventSource that connects again
		asked.after = last
	}
	asked.query.Live, asked.query.User, asked.query.Limit = domain.LiveID(live), domain.UserID(user), eventsAtOnce
	asked.query.After, err = s.Store.ParseCursor(ctx, asked.after)
	return asked, err
}

// knownTypes answers the filter for types: older versions of an event are told as its newest, so
// they are looked for as well. A type that no event has would match nothing for ever.
func knownTypes(asked []string) ([]string, error) {
	if len(asked) > maxTypes {
		return nil, badRequest("too many types")
	}
	var types []string
	for _, t := range asked {
		i := slices.IndexFunc(domain.Events, func(s domain.EventSpec) bool { return s.Type == t })
		if i < 0 {
			return nil, refusal(domain.CodeBadRequest, "there is no event of type %.60q", t)
		}
		types = append(types, t)
		for older := range domain.Events[i].Upcasters {
			types = append(types, older)
		}
	}
	return types, nil
}

// replay writes until everything asked for is written, or the reader has gone, is too slow, or
// may not read any more. Then the last line says why, and where to go on.
func (s *server) replay(ctx context.Context, asked replay, out *eventWriter) {
	serving, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-s.draining:
			cancel()
		case <-serving.Done():
		}
	}()
	for checked := s.Now(); ; {
		why, err := s.replayPage(serving, &asked, out)
		if now := s.Now(); why == "" && err == nil && now.Sub(checked) >= s.EventBeat {
			checked = now
			_, err = s.holder(serving, domain.RoleAnalyst)
		}
		switch {
		case ctx.Err() != nil || errors.Is(err, errCutOff):
			return // the reader has gone, or was cut off: its cursors are in the lines it has
		case serving.Err() != nil:
			why = "shutdown"
		case err != nil:
			why = string(s.failed(ctx, err, nil).Code)
		}
		if why != "" {
			out.end(ctx, s.Store, why)
			return
		}
	}
}

// replayPage looks at the log once, after waiting for it to grow if there is nothing to look at. It
// answers why the stream is over, or "".
func (s *server) replayPage(ctx context.Context, asked *replay, out *eventWriter) (string, error) {
	seen := s.Store.Appended().Count()
	page, err := s.Store.Read(ctx, asked.query)
	if err != nil {
		return "", err
	}
	full := asked.limit > 0 && asked.written+int64(len(page.Events)) >= asked.limit
	if full {
		page.Events = page.Events[:asked.limit-asked.written]
	}
	if err := out.events(page.Events); err != nil {
		return "", err
	}
	asked.written += int64(len(page.Events))
	if full {
		return "limit", nil
	}
	asked.query.After = page.Next
	out.looked = page.Next
	switch caughtUp := page.Next >= page.Head; {
	case caughtUp && !asked.follow:
		return "head", nil
	case out.slow:
		return "slow", nil
	case caughtUp:
		s.Store.Appended().Wait(ctx, seen, s.EventBeat)
	}
	if ctx.Err() == nil && s.Now().Sub(out.wrote) >= s.EventBeat {
		return "", out.beat(ctx, s.Store)
	}
	return "", nil
}

func integer(text string, v *int64) error {
	if text == "" {
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > maxEventLimit {
		return refusal(domain.CodeBadRequest, "%.40q is no number", text)
	}
	*v = n
	return nil
}

func boolean(text string, v *bool) error {
	if text == "" {
		return nil
	}
	b, err := strconv.ParseBool(text)
	if err != nil {
		return refusal(domain.CodeBadRequest, "%.40q is neither true nor false", text)
	}
	*v = b
	return nil
}
