package api

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"roomlog/api/query"
	"roomlog/api/replay"
	"roomlog/api/schemas"
	"roomlog/domain"
	"roomlog/eventstore/place"
	"roomlog/internal/contentcoding"
)

// eventsRoute is the path at which the log is replayed.
const eventsRoute = "/api/events"

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
	s.writeReplay(w, r, request)
}

// writeReplay writes the response to an admitted request for a replay.
func (s *server) writeReplay(w http.ResponseWriter, r *http.Request, request eventsRequest) {
	ctx := r.Context()
	config := replay.Config{
		Store: s.Store, Events: s.Events, Now: s.Now, Log: s.log, Draining: s.draining,
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
	}
	player := replay.NewPlayer(config)
	if request.socket {
		socket, serving, err := replay.OpenSocket(ctx, config, w, r)
		if err != nil {
			s.log.DebugContext(ctx, "opening a WebSocket failed", slog.Any("error", err))
			return
		}
		defer socket.Close()
		player.Play(serving, socket, request.Request)
		return
	}
	if request.Format != replay.JSON {
		player.Play(ctx, w, request.Request)
		return
	}
	reading, cancel := context.WithTimeout(ctx, s.RequestTimeout)
	defer cancel()
	var page replay.Page
	var err error
	if request.count {
		page, err = player.Count(reading, request.Request, s.RequestTimeout/2)
	} else {
		page, err = player.ReadPage(reading, request.Request)
	}
	if err != nil {
		writeFailure(w, s.failure(ctx, err, nil))
		return
	}
	page.Write(w, r, request.Request)
}

// eventsRequest is a request for a replay, or for the number of its events.
type eventsRequest struct {
	replay.Request
	count  bool
	socket bool // whether each line is a message of a WebSocket
}

func (s *server) parseReplay(ctx context.Context, r *http.Request) (eventsRequest, error) {
	ctx, cancel := context.WithTimeout(ctx, s.RequestTimeout)
	defer cancel()
	q := r.URL.Query()
	format, envelope := "", string(replay.Plain)
	if strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		format = string(replay.ServerSentEvents)
	}
	var request eventsRequest
	var live, user int64
	parameters := query.NewReader(q, replay.Parameters())
	parameters.Word("format", &format)
	parameters.Word("envelope", &envelope)
	parameters.Integer("live", &live)
	parameters.Integer("user", &user)
	parameters.Integer("limit", &request.Limit)
	request.socket = replay.WantsSocket(r)
	request.Follow = request.socket || format == string(replay.ServerSentEvents) // the EventSource API of browsers always follows the log
	parameters.Boolean("follow", &request.Follow)
	parameters.Boolean("count", &request.count)
	err := parameters.Err()
	if err == nil {
		request.Query.Types, err = replay.ParseTypes(q["type"])
	}
	if err == nil {
		request.Query.Stream, err = replay.ParseStream(q)
	}
	if err != nil {
		return eventsRequest{}, err
	}
	switch {
	case request.socket && (request.count || format != "" && format != string(replay.NDJSON)):
		return eventsRequest{}, badRequest("a WebSocket sends lines of JSON: leave out count, and format unless it is ndjson")
	case request.socket && !replay.CanUpgrade(r):
		return eventsRequest{}, badRequest("a WebSocket needs GET over HTTP/1.1 with the headers Connection: Upgrade, Sec-WebSocket-Version: 13 and Sec-WebSocket-Key")
	case request.count && (format != "" && format != string(replay.JSON) || q.Has("envelope") || q.Has("limit") || request.Follow):
		return eventsRequest{}, badRequest("count=true returns one JSON object: leave out follow, limit, format and envelope")
	case request.count:
		format = string(replay.JSON)
	case format == string(replay.JSON) && request.Follow:
		return eventsRequest{}, badRequest("follow=true needs format=ndjson or format=sse: a page ends")
	case format == string(replay.JSON) && request.Limit > replay.MaxPage:
		return eventsRequest{}, refusal(domain.CodeBadRequest, "limit must be at most %d with format=json (got %d)", replay.MaxPage, request.Limit)
	}
	request.Format, request.Envelope = replay.Format(cmp.Or(format, string(replay.NDJSON))), replay.Envelope(envelope)
	if !request.socket {
		request.Coding = contentcoding.Choose(r, contentcoding.Zstd, contentcoding.Gzip)
	}
	request.Schemas = requestOf(ctx).baseURL + schemas.Path
	request.Query.Live, request.Query.User = domain.LiveID(live), domain.UserID(user)
	request.Query.History = s.Store.History().Number
	if err := s.parseStart(ctx, r, &request.Request); err != nil {
		return eventsRequest{}, err
	}
	return request, s.parseUntil(ctx, q, &request.Request)
}

// parseStart sets the position and the cursor at which the replay starts.
func (s *server) parseStart(ctx context.Context, r *http.Request, request *replay.Request) (err error) {
	q := r.URL.Query()
	if q.Has("from") && q.Has("after") {
		return badRequest("send either from or after, not both")
	}
	from := q.Get("from")
	last := r.Header.Get("Last-Event-ID") // an EventSource sends this header when it reconnects
	if last != "" || !q.Has("from") || from == "beginning" {
		request.After = cmp.Or(last, q.Get("after"), "0")
		request.Query.After, err = s.Store.ParseCursor(ctx, request.After)
		return err
	}
	at, ok := place.Parse(from, "now")
	if !ok {
		return refusal(domain.CodeBadRequest, "from must be beginning, now, %s (got %.40q); write + as %%2B; a cursor belongs into after", place.Forms, from)
	}
	head, err := s.Store.Head(ctx)
	if err != nil {
		return err
	}
	switch {
	case at.Word == "now":
		request.Query.After, request.Moving = head, true
	case at.Position > head+1:
		return refusal(domain.CodeBadRequest, "from must be a position up to %d, the next one of the log (got %d)", head+1, at.Position)
	case at.Position > 0:
		request.Query.After = at.Position - 1
	case at.Time.After(s.Store.Now()):
		return refusal(domain.CodeBadRequest, "from must not be in the future (got %.40s): send from=now for new events only", from)
	default:
		if request.Query.After, _, err = s.Store.PositionBefore(ctx, at.Time); err != nil {
			return err
		}
	}
	request.After, err = s.Store.Cursor(ctx, request.Query.After)
	return err
}

// parseUntil sets the bound at which the replay ends.
func (s *server) parseUntil(ctx context.Context, q url.Values, request *replay.Request) error {
	if !q.Has("until") {
		return nil
	}
	text := q.Get("until")
	at, ok := place.Parse(text)
	if !ok {
		return refusal(domain.CodeBadRequest, "until must be %s (got %.40q); write + as %%2B", place.Forms, text)
	}
	request.Before = at.Time
	if at.Position > 0 {
		last := at.Position - 1
		request.Last = &last
	}
	if !q.Has("from") {
		return nil
	}
	before := request.Last != nil && *request.Last < request.Query.After
	if request.Last == nil {
		position, _, err := s.Store.PositionBefore(ctx, request.Before)
		if err != nil {
			return err
		}
		before = position < request.Query.After
	}
	if before {
		return refusal(domain.CodeBadRequest, "until must not be before from (got %.40s)", text)
	}
	return nil
}
