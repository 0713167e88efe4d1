package webhooks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"roomlog/api/replay"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/pgsession"
	"roomlog/internal/wait"
	"roomlog/internal/webhook"
	"roomlog/projections"
)

const (
	requests     = 8                // maximum number of new events, and of repeated ones, that are sent to one webhook at the same time
	pageEvents   = 100              // maximum number of events of one live, or of all lives, that are read at once
	scanEvents   = 1000             // number of events that are not selected, after which the cursor is stored
	storeTimeout = 3 * time.Second  // time to store what receivers have accepted when the process ends
	maxError     = 200              // maximum number of bytes of an error that is stored
	errorWait    = 10 * time.Second // maximum pause after an error of the database
)

// sender sends the events of one webhook.
type sender struct {
	c       Config
	webhook projections.Webhook
	tables  *Tables
	metrics *metrics
	lease   *pgsession.Lease
	client  *webhook.Client
	wake    *wait.Signal // notified when an event was not accepted
	log     *slog.Logger

	history atomic.Int64 // number of the history of the log that contains the cursor; 0: not compared yet
	scanned int64        // position up to which the log was searched; used by sendNew alone
}

// run sends new events, and those that were not accepted, until ctx ends.
func (s *sender) run(ctx context.Context) {
	defer s.client.CloseIdle()
	var both sync.WaitGroup
	both.Go(func() { s.repeat(ctx, s.c.Store.Appended(), s.sendNew) })
	both.Go(func() { s.repeat(ctx, s.wake, s.sendAgain) })
	both.Wait()
}

// repeat calls round until ctx ends. If round did nothing, it waits for a notification for at most Config.Poll.
func (s *sender) repeat(ctx context.Context, signal *wait.Signal, round func(context.Context) (bool, error)) {
	backoff := wait.Backoff{Max: errorWait}
	for ctx.Err() == nil {
		seen := signal.Count()
		more, err := round(ctx)
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, errMoved), errors.Is(err, errLost): // the supervisor ends the sender, or starts it again
			backoff.Wait(ctx)
		case err != nil:
			s.log.WarnContext(ctx, "webhook interrupted, trying again", slog.Any("error", err))
			backoff.Wait(ctx)
		default:
			backoff.Reset()
			if !more {
				signal.Wait(ctx, seen, s.c.Poll)
			}
		}
	}
}

// errLost means that this process may not hold the lock any more.
var errLost = errors.New("the lock of the webhooks is lost")

// sendNew sends the events after the cursor. It reports whether there may be more.
func (s *sender) sendNew(ctx context.Context) (more bool, err error) {
	state, err := s.tables.read(ctx, s.webhook)
	if errors.Is(err, errMoved) {
		return true, s.start(ctx)
	}
	if err != nil || state.Halted != "" {
		return false, err
	}
	number := s.c.Store.History().Number
	if s.history.Load() != number {
		if err := s.compare(ctx, state, number); err != nil {
			return false, err
		}
		return true, nil
	}
	room := s.c.WebhookLives - len(state.blocked)
	if room <= 0 {
		return false, nil
	}
	after := max(state.Position, s.scanned)
	page, err := s.c.Store.Read(ctx, eventstore.Query{After: after, Types: s.types(), Limit: pageEvents, History: number})
	if errors.Is(err, eventstore.ErrCursorLost) {
		s.history.Store(0)
		return true, nil
	}
	if err != nil {
		return false, err
	}
	all, waiting, end := split(page, state.blocked, room)
	if len(all)+len(waiting) == 0 && end-state.Position < scanEvents {
		s.scanned = end
		return end < page.Head, nil
	}
	outcomes := s.sendAll(ctx, all)
	storing, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	cursor, err := s.c.Store.Cursor(storing, end)
	if err != nil {
		return false, err
	}
	if err := s.tables.advance(storing, state, Cursor{Webhook: s.webhook.ID, Start: s.webhook.Start, Position: end, Cursor: cursor}, outcomes, waiting); err != nil {
		return false, err
	}
	s.report(ctx, outcomes)
	return true, nil
}

// start stores the first cursor of the webhook, at the position that operators have chosen. If the log has fallen
// back and has lost that position, the webhook is halted.
func (s *sender) start(ctx context.Context) error {
	cursor, err := s.c.Store.Cursor(ctx, s.webhook.After)
	halted := ""
	if errors.Is(err, eventstore.ErrCursorLost) {
		cursor, halted, err = "0", lostHistory, nil
	}
	if err != nil {
		return err
	}
	return s.tables.start(ctx, s.webhook, cursor, halted)
}

// lostHistory is the reason for which a webhook is halted when the log has fallen back.
const lostHistory = "the log has fallen back to an earlier state, and its receiver has events that are no longer in it: tell the receiver, and continue with roomlog webhooks replay"

// compare checks that the log contains the event of the cursor. If it does not, the webhook is halted.
func (s *sender) compare(ctx context.Context, state state, number int64) error {
	_, err := s.c.Store.ParseCursor(ctx, state.Cursor.Cursor)
	if errors.Is(err, eventstore.ErrCursorLost) {
		s.log.ErrorContext(ctx, "webhook halted, because the log has another history", slog.Int64("lost_position", state.Position))
		return s.tables.halt(ctx, state, lostHistory)
	}
	if err == nil {
		s.scanned = 0
		s.history.Store(number)
	}
	return err
}

// types returns the types that the log is searched for; nil: all.
func (s *sender) types() []string {
	if len(s.webhook.Types) == 0 {
		return nil
	}
	types := []string{""} // no event has it; without a known type, nothing is selected
	for _, want := range s.webhook.Types {
		types = append(types, domain.StoredTypes(want)...)
	}
	return types
}

// series contains events of one live, which are sent one after another.
type series struct {
	live   domain.LiveID
	events []eventstore.Record
	before Blocked // zero for new events
}

// split divides a page into series, one for each live, and stops before the event that would begin more than room series.
// end is the position up to which the page was divided. split leaves out the events of blocked lives, and returns in
// waiting the first position of each of these lives.
func split(page eventstore.Page, blocked map[domain.LiveID]Blocked, room int) (all []series, waiting map[domain.LiveID]int64, end int64) {
	index := map[domain.LiveID]int{}
	waiting = map[domain.LiveID]int64{}
	for _, e := range page.Events {
		if _, ok := blocked[e.LiveID]; ok {
			if waiting[e.LiveID] == 0 {
				waiting[e.LiveID] = e.Position
			}
			continue
		}
		i, ok := index[e.LiveID]
		if !ok {
			if len(all) == room {
				return all, waiting, e.Position - 1
			}
			i = len(all)
			index[e.LiveID], all = i, append(all, series{live: e.LiveID})
		}
		all[i].events = append(all[i].events, e)
	}
	return all, waiting, page.Next
}

// sendAll sends several series at the same time, and returns their outcomes in the same order.
func (s *sender) sendAll(ctx context.Context, all []series) []outcome {
	outcomes := make([]outcome, len(all))
	var g errgroup.Group
	g.SetLimit(requests)
	for i, l := range all {
		g.Go(func() error {
			outcomes[i] = s.send(ctx, l)
			return nil
		})
	}
	_ = g.Wait() // no function returns an error
	return outcomes
}

// send sends the events of a series in order, up to the first that the receiver does not accept.
func (s *sender) send(ctx context.Context, l series) outcome {
	o, b := outcome{live: l.live}, l.before
	for _, e := range l.events {
		response, err := s.post(ctx, e)
		now := s.c.Store.Now()
		if accepted(response, err) {
			b = Blocked{}
			continue
		}
		if b.Position != e.Position {
			b.Attempts = 0
		}
		if b.Since.IsZero() {
			b.Since = now
		}
		b.Live, b.Position = l.live, e.Position
		if ctx.Err() != nil || errors.Is(err, errLost) || errors.Is(err, webhook.ErrNotSent) { // no attempt
			b.RetryAt = now
			o.blocked = &b
			return o
		}
		b.Attempts++
		b.Status, b.Error = response.Status, describe(response, err)
		if now.Sub(b.Since) >= s.c.WebhookRetryFor && now.Sub(e.RecordedAt) >= s.c.WebhookRetryFor {
			o.dead = append(o.dead, Dead{Position: e.Position, Cursor: eventstore.CursorOf(e), Live: l.live, Type: e.Type, Status: b.Status, Error: b.Error, DiedAt: now})
			continue
		}
		b.RetryAt = now.Add(max(s.pause(b.Attempts), min(response.RetryAfter, s.c.WebhookLastRetry)))
		o.blocked = &b
		return o
	}
	return o
}

// pause returns the time to wait after a number of attempts without success.
func (s *sender) pause(attempts int) (d time.Duration) {
	backoff := wait.Backoff{Min: s.c.WebhookFirstRetry, Max: s.c.WebhookLastRetry}
	for range min(attempts, 40) {
		d = backoff.Next()
	}
	return d
}

// describe returns the error text of an attempt that the receiver has not accepted.
func describe(r webhook.Response, err error) string {
	text := http.StatusText(r.Status)
	if err != nil {
		text = err.Error()
	}
	if text == "" {
		text = fmt.Sprintf("status %d", r.Status)
	}
	return strings.ToValidUTF8(text[:min(len(text), maxError)], "")
}

// post sends an event once.
func (s *sender) post(ctx context.Context, e eventstore.Record) (webhook.Response, error) {
	if !s.lease.Valid() {
		return webhook.Response{}, errLost
	}
	body, err := replay.RenderCloudEvent(s.c.Store, e, s.c.Schemas, s.webhook.Personal)
	if err != nil {
		return webhook.Response{}, err
	}
	response, err := s.client.Post(ctx, webhook.Request{URL: s.webhook.URL, ContentType: replay.CloudEventType, Body: body, Sign: func(h http.Header) error {
		now := s.c.Store.Now()
		return webhook.SignStandard(h, messageID(s.webhook.ID, e), now, body, Secrets(s.c.Keys, s.webhook, now))
	}})
	if !errors.Is(err, webhook.ErrNotSent) && ctx.Err() == nil {
		s.metrics.count(string(s.webhook.ID), response, err)
	}
	return response, err
}

// messageID returns the value of the header webhook-id: the webhook, the position and the end of the id of the event. Every attempt
// to send the event has the same.
func messageID(id domain.WebhookID, e eventstore.Record) string {
	return string(id) + "_" + strings.ReplaceAll(eventstore.CursorOf(e), ".", "_")
}

// sendAgain sends the events that were not accepted and whose pause is over, and the dead letters that operators want sent again.
// It reports whether there may be more.
func (s *sender) sendAgain(ctx context.Context) (more bool, err error) {
	state, err := s.tables.read(ctx, s.webhook)
	if errors.Is(err, errMoved) { // sendNew creates the cursor
		return false, nil
	}
	number := s.history.Load()
	if err != nil || state.Halted != "" || number == 0 || number != s.c.Store.History().Number {
		return false, err
	}
	var g errgroup.Group
	g.SetLimit(requests)
	now := s.c.Store.Now()
	for _, b := range state.blocked {
		if b.RetryAt.After(now) {
			continue
		}
		more = true
		g.Go(func() error { return s.sendBlocked(ctx, state, b, number) })
	}
	marked, err := s.tables.marked(ctx, s.webhook.ID)
	if err != nil {
		return false, errors.Join(err, g.Wait())
	}
	for _, d := range marked {
		more = true
		g.Go(func() error { return s.sendDead(ctx, d, number) })
	}
	err = g.Wait()
	return more, err
}

// sendBlocked sends the next events of a blocked live, up to the cursor.
func (s *sender) sendBlocked(ctx context.Context, state state, b Blocked, number int64) error {
	page, err := s.c.Store.Read(ctx, eventstore.Query{Live: b.Live, Types: s.types(), After: b.Position - 1, UpTo: state.Position, Limit: pageEvents, History: number})
	if err != nil {
		return err
	}
	l := series{live: b.Live, before: b}
	for _, e := range page.Events {
		if e.LiveID == b.Live { // 0 selects the events of all lives
			l.events = append(l.events, e)
		}
	}
	o := s.send(ctx, l)
	if o.blocked == nil && page.Next < state.Position {
		now := s.c.Store.Now()
		o.blocked = &Blocked{Live: b.Live, Position: page.Next + 1, Since: now, RetryAt: now}
	}
	storing, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	if err := s.tables.finish(storing, state, o, s.c.Store.Now()); err != nil {
		return err
	}
	s.report(ctx, []outcome{o})
	return nil
}

// sendDead sends a dead letter once.
func (s *sender) sendDead(ctx context.Context, d Dead, number int64) error {
	page, err := s.c.Store.Read(ctx, eventstore.Query{After: d.Position - 1, UpTo: d.Position, Limit: 1, History: number})
	if err != nil {
		return err
	}
	if len(page.Events) != 1 || eventstore.CursorOf(page.Events[0]) != d.Cursor { // of another history
		return s.tables.bury(ctx, s.webhook.ID, d.Position)
	}
	response, err := s.post(ctx, page.Events[0])
	switch {
	case accepted(response, err):
		return s.tables.bury(ctx, s.webhook.ID, d.Position)
	case ctx.Err() != nil, errors.Is(err, errLost):
		return err
	}
	d.Status, d.Error, d.DiedAt = response.Status, describe(response, err), s.c.Store.Now()
	return s.tables.unmark(ctx, s.webhook.ID, d)
}

// report logs dead letters, and wakes sendAgain if events were not accepted.
func (s *sender) report(ctx context.Context, outcomes []outcome) {
	for _, o := range outcomes {
		for _, d := range o.dead {
			s.metrics.died.WithLabelValues(string(s.webhook.ID)).Inc()
			s.log.WarnContext(ctx, "webhook event not accepted in time, it is a dead letter", slog.Int64("position", d.Position), slog.Int("status", d.Status), slog.String("error", d.Error))
		}
		if o.blocked != nil {
			s.wake.Notify()
		}
	}
}
