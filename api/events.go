package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"roomlog/api/query"
	"roomlog/api/replay"
	"roomlog/domain"
)

// eventsRoute is the path at which the log is replayed.
const eventsRoute = "/api/events"

// Bounds of the parameters of a replay.
const (
	maxTypes   = 100     // maximum number of type filters
	maxInteger = 1 << 40 // maximum value of numeric parameters
)

// replayEvents writes the events after a cursor, each in one line. With follow=true it continues as the log grows. The
// events are in order, without gaps or duplicates. Every line has a cursor with which an interrupted reader can
// continue. Readers without the role personal do not receive private fields.
func (s *server) replayEvents(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	request, err := s.parseReplay(ctx, r)
	if err != nil {
		writeFailure(w, s.failure(ctx, err, nil))
		return
	}
	request.Personal = hasRole(requestOf(ctx).user, domain.RolePersonal)
	if r.Method == http.MethodHead { // nobody receives the lines
		request.Follow, request.Limit = false, 1
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
		Heartbeat: s.EventHeartbeat, CheckEvery: s.EventCheck, SlowReader: s.SlowEventReader, WriteTimeout: s.EventWriteTimeout,
		Check: func(ctx context.Context) error {
			if err := s.requireRole(ctx, domain.RoleAnalyst); err != nil || !request.Personal {
				return err
			}
			return s.requireRole(ctx, domain.RolePersonal)
		},
		Problem: func(ctx context.Context, err error) (domain.Code, string) {
			f := s.failure(ctx, err, nil)
			return f.Code, f.TextEN
		},
	})
	player.Play(ctx, w, request)
}

func (s *server) parseReplay(ctx context.Context, r *http.Request) (replay.Request, error) {
	ctx, cancel := context.WithTimeout(ctx, s.RequestTimeout)
	defer cancel()
	q := r.URL.Query()
	request := replay.Request{Format: replay.NDJSON}
	if strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		request.Format, request.Follow = replay.ServerSentEvents, true // the EventSource API of browsers always follows the log
	}
	var live, user int64
	parameters := query.NewReader(q, eventParameters())
	parameters.Integer("live", &live)
	parameters.Integer("user", &user)
	parameters.Integer("limit", &request.Limit)
	parameters.Boolean("follow", &request.Follow)
	err := parameters.Err()
	if err == nil {
		request.Query.Types, err = typeFilter(q["type"])
	}
	if err != nil {
		return replay.Request{}, err
	}
	request.After = cmp.Or(q.Get("after"), "0")
	if last := r.Header.Get("Last-Event-ID"); last != "" { // an EventSource sends this header when it reconnects
		request.After = last
	}
	request.Query.Live, request.Query.User = domain.LiveID(live), domain.UserID(user)
	request.Query.History = s.Store.History().Number
	request.Query.After, err = s.Store.ParseCursor(ctx, request.After)
	return request, err
}

// typeFilter returns the event types, as stored in the log, that match the requested types. The result includes types
// of older versions, because their events are converted to the newest version when they are read. It refuses unknown
// types.
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

func documentEvents(o *huma.Operation, schemas huma.Registry) {
	line := &huma.Schema{AnyOf: []*huma.Schema{
		o.Responses["200"].Content["application/json"].Schema, schemas.Schema(typeOf[replay.CursorLine](), true, ""),
	}}
	o.Responses["200"].Description = "One line per event. A line with only a cursor reports the position up to which the log was searched. " +
		"The last line also has end: head, limit, slow, shutdown, or an error code with a text, such as token_expired, session_ended, banned or forbidden, " +
		"within a second after the reader has lost the right to read."
	o.Responses["200"].Content = map[string]*huma.MediaType{
		"application/x-ndjson": {Schema: line}, "text/event-stream": {Schema: line},
	}
	o.Parameters = append(o.Parameters, eventParameters()...)
}

// eventParameters returns the parameters of a replay.
func eventParameters() []*huma.Param {
	text, flag := &huma.Schema{Type: huma.TypeString}, &huma.Schema{Type: huma.TypeBoolean}
	least, most := 1.0, float64(maxInteger)
	number := &huma.Schema{Type: huma.TypeInteger, Minimum: &least, Maximum: &most}
	parameter := func(name string, schema *huma.Schema, text string) *huma.Param {
		return &huma.Param{Name: name, In: "query", Schema: schema, Description: text}
	}
	return []*huma.Param{
		parameter("after", text, "cursor to continue from; default: the beginning"),
		parameter("type", &huma.Schema{Type: huma.TypeArray, Items: text}, "only these event types"),
		parameter("live", number, "only events of this live"),
		parameter("user", number, "only events that this user caused"),
		parameter("follow", flag, "continue as the log grows; the default for server-sent events"),
		parameter("limit", number, "end after this number of events"),
		{Name: "Last-Event-ID", In: "header", Schema: text, Description: "cursor to continue from, as an EventSource sends it"},
	}
}
