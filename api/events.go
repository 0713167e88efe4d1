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

	"github.com/danielgtaylor/huma/v2"

	"roomlog/api/replay"
	"roomlog/domain"
)

// eventsRoute is the path of the replay.
const eventsRoute = "/api/events"

// Bounds of the parameters of a replay.
const (
	maxTypes   = 100     // number of type filters
	maxInteger = 1 << 40 // largest numeric parameter
)

// replayEvents writes the events after a cursor, one per line. With follow=true it continues as the log grows. The
// events are in order, without gaps or duplicates. Every line has a cursor with which an interrupted reader can
// continue.
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
	s.meters.Streams.Inc()
	defer s.meters.Streams.Dec()
	player := replay.NewPlayer(replay.Config{
		Store: s.Store, Now: s.Now, Draining: s.draining,
		Heartbeat: s.EventHeartbeat, SlowReader: s.SlowEventReader, WriteTimeout: s.EventWriteTimeout,
		Check: func(ctx context.Context) error { return s.requireRole(ctx, domain.RoleAnalyst) },
		Code:  func(ctx context.Context, err error) domain.Code { return s.failure(ctx, err, nil).Code },
	})
	player.Play(ctx, w, request)
}

func (s *server) parseReplay(ctx context.Context, r *http.Request) (replay.Request, error) {
	ctx, cancel := context.WithTimeout(ctx, s.RequestTimeout)
	defer cancel()
	q := r.URL.Query()
	request := replay.Request{Format: replay.NDJSON}
	if strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		request.Format, request.Follow = replay.ServerSentEvents, true // the EventSource API of browsers always follows
	}
	var live, user int64
	err := errors.Join(
		parseInteger(q, "live", &live), parseInteger(q, "user", &user),
		parseInteger(q, "limit", &request.Limit), parseBoolean(q, "follow", &request.Follow),
	)
	if err != nil {
		return replay.Request{}, err
	}
	if request.Query.Types, err = typeFilter(q["type"]); err != nil {
		return replay.Request{}, err
	}
	request.After = cmp.Or(q.Get("after"), "0")
	if last := r.Header.Get("Last-Event-ID"); last != "" { // sent by an EventSource that reconnects
		request.After = last
	}
	request.Query.Live, request.Query.User = domain.LiveID(live), domain.UserID(user)
	request.Query.After, err = s.Store.ParseCursor(ctx, request.After)
	return request, err
}

// typeFilter returns the stored event types that match the requested types. The result includes older versions,
// because they are converted to the newest version when they are read. It refuses unknown types.
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

func documentEvents(o *huma.Operation, schemas huma.Registry) {
	line := o.Responses["200"].Content["application/json"].Schema
	o.Responses["200"].Description = "One line per event. A line with only a cursor reports the position up to which the log was searched. " +
		"The last line also has end: head, limit, slow, shutdown or an error code."
	o.Responses["200"].Content = map[string]*huma.MediaType{
		"application/x-ndjson": {Schema: line}, "text/event-stream": {Schema: line},
	}
	parameter := func(name string, schema *huma.Schema, text string) {
		o.Parameters = append(o.Parameters, &huma.Param{Name: name, In: "query", Schema: schema, Description: text})
	}
	parameter("after", &huma.Schema{Type: huma.TypeString}, "cursor to continue from; default: the beginning")
	parameter("type", &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString}}, "only these event types")
	parameter("live", &huma.Schema{Type: huma.TypeInteger}, "only events of this live")
	parameter("user", &huma.Schema{Type: huma.TypeInteger}, "only events that this user caused")
	parameter("follow", &huma.Schema{Type: huma.TypeBoolean}, "continue as the log grows; the default for server-sent events")
	parameter("limit", &huma.Schema{Type: huma.TypeInteger}, "end after this number of events")
	o.Parameters = append(o.Parameters, &huma.Param{Name: "Last-Event-ID", In: "header",
		Schema: &huma.Schema{Type: huma.TypeString}, Description: "cursor to continue from, as an EventSource sends it"})
}
