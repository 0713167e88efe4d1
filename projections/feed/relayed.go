package feed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"roomlog/eventstore"
)

const (
	inboxSize      = 256              // maximum number of messages that wait; further ones are lost and become holes
	inboxBytes     = 64 << 20         // maximum size in bytes of the messages that wait
	recheckRelay   = 15 * time.Second // time after which the database is asked again for the relay, if the database has confirmed a process
	recheckRefused = time.Second      // the time if the process was not the relay
	recheckFailed  = time.Second      // the time if the database did not respond
	maxRechecks    = 8                // maximum number of times in recheckRefused that the database is asked, if no connection is made
	gaugeTimeout   = 2 * time.Second  // time for which the relay may send gauges before the feed reads them itself
	tablesPerRelay = 5                // number of RelayTimeouts after which the tables are compared with the relay although nobody waits for them
)

// relayed is the source that receives what the relay has released. It releases comments and gifts of this process from
// memory, like a tail. It reads holes from the log with a tail, and everything while no messages of a relay arrive.
//
// A message is believed if it is signed with the token of the relay, as the database of this process says, if its number is higher than
// that of the message before it, and if it follows the newest event that was released.
type relayed struct {
	*releaser
	store *eventstore.Store
	tail  *tail
	state *relayState
	inbox chan *nats.Msg

	believed    string    // name of the relay, as the database has said
	token       string    // token of the relay
	newest      int64     // number of the newest message of the relay
	refused     string    // name of the process that last claimed to be the relay and was not
	checked     time.Time // time when the database was last asked for the relay
	connections int64     // number of connections to the database that were made until checked
	failed      time.Time // time when the database last did not respond
	counted     time.Time // beginning of the period that rechecks counts
	rechecks    int       // number of times that the database was asked since counted

	compared time.Time // time when the tables were last compared with what the relay has sent
	behind   time.Time // time since which the tables have an event after behindAt that the relay has not sent; zero: they have none
	behindAt int64     // position of the newest event that was released at the time behind
	hung     int64     // position at which a relay has stopped sending; a message that ends there does not end the fallback
}

func newRelayed(store *eventstore.Store, r *releaser, state *relayState) *relayed {
	return &relayed{releaser: r, store: store, tail: newTail(store, r), state: state, inbox: make(chan *nats.Msg), hung: -1}
}

// run releases what the messages of the relay contain, and reads the log while no message arrives. It returns nil
// when ctx ends.
func (s *relayed) run(ctx context.Context) error {
	running, stop := context.WithCancel(ctx)
	defer stop()
	messages, err := s.c.NATS.Subscribe(subjectOf(s.store.ID()), func(m *nats.Msg) {
		select {
		case s.inbox <- m:
		case <-running.Done():
		}
	})
	if err != nil {
		return fmt.Errorf("subscribe to the relay: %w", err)
	}
	defer func() { _ = messages.Unsubscribe() }()
	if err := messages.SetPendingLimits(inboxSize, inboxBytes); err != nil {
		return fmt.Errorf("subscribe to the relay: %w", err)
	}
	own := newWakeup()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { forward(ctx, s.store.Appended(), own); return nil })
	g.Go(func() error {
		for ctx.Err() == nil {
			m, err := s.fallBack(ctx)
			if err == nil && ctx.Err() == nil {
				err = s.receive(ctx, m, own)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return g.Wait()
}

// fallBack reads the log until a message of the relay arrives, and returns the message.
func (s *relayed) fallBack(ctx context.Context) (envelope, error) {
	s.state.set(func(status *RelayStatus) {
		if status.Received {
			s.c.Log.WarnContext(ctx, "feed: no relay is heard, reading the log in PostgreSQL")
		}
		status.Received, status.Since = false, s.now()
	})
	tailing, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.tail.run(tailing) }()
	for {
		select {
		case raw := <-s.inbox:
			if m, ok := s.read(ctx, raw); ok && m.Checkpoint > s.hung {
				stop()
				return m, <-ended
			}
		case err := <-ended:
			return envelope{}, err
		}
	}
}

// receive releases what messages contain, beginning with m, until no more messages of a relay arrive or ctx ends. It
// then returns nil.
func (s *relayed) receive(ctx context.Context, m envelope, own wakeup) error {
	s.state.set(func(status *RelayStatus) { status.Received, status.Since, status.Cause = true, s.now(), "" })
	s.c.Log.InfoContext(ctx, "feed: receiving from the relay over NATS")
	s.gauges.timeout.Store(gaugeTimeout.Nanoseconds())
	defer s.gauges.timeout.Store(0)
	s.compared, s.behind, s.hung = time.Time{}, time.Time{}, -1 // a relay that was silent may not send what the tables have
	silence, poll := time.NewTimer(s.c.RelayTimeout), time.NewTimer(0)
	defer silence.Stop()
	defer poll.Stop()
	err := s.apply(ctx, &m)
	for ctx.Err() == nil {
		if errors.Is(err, eventstore.ErrCursorLost) {
			return err
		}
		if err != nil && ctx.Err() == nil {
			s.c.Log.WarnContext(ctx, "feed: releasing failed, retrying", slog.Any("error", err))
		}
		err = nil
		poll.Reset(s.untilComparison())
		select {
		case raw := <-s.inbox:
			if m, ok := s.read(ctx, raw); ok {
				silence.Reset(s.c.RelayTimeout)
				if err = s.apply(ctx, &m); err == nil {
					err = s.releaseOwn(ctx)
				}
			}
		case <-own:
			err = s.releaseOwn(ctx)
		case <-s.wake: // somebody waits for the tables
		case <-poll.C:
			err = s.readTables(ctx)
			if !s.behind.IsZero() && s.now().Sub(s.behind) >= s.c.RelayTimeout {
				s.hung = s.last.position
				s.state.set(func(status *RelayStatus) { status.Cause = "the relay does not send what the tables have" })
				return nil
			}
		case <-silence.C:
			s.state.set(func(status *RelayStatus) {
				status.Cause = fmt.Sprintf("no message of a relay came within %s", s.c.RelayTimeout)
				if !s.c.NATS.IsConnected() {
					status.Cause = "there is no connection to a NATS server"
				}
			})
			return nil
		case <-ctx.Done():
		}
	}
	return nil
}

// read decodes a message. It reports false if the message is not believed. It decodes nothing that the relay has not signed, so that
// foreign clients of the NATS servers cannot change the cause that operators see. The most that a foreign message costs is the check of
// its signature: the name of the relay is public.
func (s *relayed) read(ctx context.Context, raw *nats.Msg) (envelope, bool) {
	var m envelope
	var err error
	if s.isRelay(ctx, raw.Header.Get(headerRelay)) && isSigned(s.token, raw) {
		if m, err = decodeMessage(raw.Data); err == nil && m.Number > s.newest {
			s.newest = m.Number
			s.state.messages.Add(1)
			s.state.heard.Store(s.now().UnixNano())
			return m, true
		}
	}
	s.state.refused.Add(1)
	switch {
	case errors.Is(err, errFormat), errors.Is(err, errProgram):
		s.state.set(func(status *RelayStatus) { status.Cause = err.Error() + ": let all nodes run one version" })
	case err != nil:
		s.c.Log.WarnContext(ctx, "feed: message of the relay ignored", slog.Any("error", err))
	}
	return envelope{}, false
}

// isRelay reports whether the database of this process says that the relay has this name. The result is remembered for
// a while, or until a new connection to the database is made.
func (s *relayed) isRelay(ctx context.Context, name string) bool {
	age := s.now().Sub(s.checked)
	connections := s.store.Pool().Stat().NewConnsCount()
	switch {
	case name == "":
		return false
	case connections != s.connections: // they may lead to another primary
	case name == s.believed && age < recheckRelay:
		return true
	case name == s.refused && age < recheckRefused:
		return false
	}
	now := s.now()
	if now.Sub(s.counted) >= recheckRefused {
		s.counted, s.rechecks = now, 0
	}
	tooMany := s.rechecks >= maxRechecks && connections == s.connections // many senders claim to be the relay
	if now.Sub(s.failed) < recheckFailed || tooMany {
		return name == s.believed
	}
	s.rechecks++
	token, err := relayOf(ctx, s.store.Pool())
	if err != nil {
		s.failed = s.now()
		return name == s.believed // a relay that was right is right until the database says otherwise
	}
	s.checked, s.connections = s.now(), connections
	if token != "" && token != s.token { // if the same relay is seen again, its former messages stay refused
		s.token, s.newest = token, 0
	}
	s.believed, s.refused = "", ""
	if token != "" {
		s.believed = nameOf(token)
	}
	if name != s.believed {
		s.refused = name
	}
	return name == s.believed
}

// apply releases what m contains and was not released yet. It reads a hole before m from the log.
func (s *relayed) apply(ctx context.Context, m *envelope) error {
	begun := s.c.Tracer.Now()
	if s.tables.report(m.Tables, m.Held) || m.Checkpoint > s.last.position {
		defer s.store.NotifyReleased()
	}
	s.lead.reached(m.Tables)
	if m.After > s.last.position && m.Checkpoint > s.last.position {
		s.state.holes.Add(1)
		if err := s.tail.until(ctx, m.After); err != nil || ctx.Err() != nil {
			return err
		}
	}
	if m.Checkpoint > s.last.position && !m.has(s.last) {
		if err := s.readUnknown(ctx, m); err != nil || ctx.Err() != nil {
			return err
		}
	}
	b := Batch{Gauges: m.Gauges}
	if m.Checkpoint > s.last.position {
		if !m.has(s.last) {
			return nil // a message of another history
		}
		b.Checkpoint, b.EventID = m.Checkpoint, m.ID
		b.Deltas = m.deltas(s.store, s.last.position, func(position int64, err error) {
			s.c.Log.ErrorContext(ctx, "feed: event skipped", slog.Int64("position", position), slog.Any("error", err))
		})
		if m.Checkpoint > m.Tables {
			s.lead.add(m.Checkpoint, s.now())
		}
		s.profiles.forgetChanged(b.Deltas)
		if err := s.publish(ctx, b, begun); err != nil {
			return err
		}
		s.store.Remember(s.number, m.Checkpoint, m.ID)
	} else if len(b.Gauges) > 0 {
		if err := s.out.publish(ctx, b); err != nil {
			return err
		}
	}
	s.gauges.received(m.Gauges)
	return nil
}

// readUnknown reads the range of m from the log, because m does not follow the newest event that was released. If m
// contradicts that event, m belongs to another history of the log than this feed.
func (s *relayed) readUnknown(ctx context.Context, m *envelope) error {
	if m.After != s.last.position || s.last.position == 0 {
		s.state.holes.Add(1)
		return s.tail.until(ctx, m.Checkpoint)
	}
	s.believed = ""
	s.state.refused.Add(1)
	return s.store.CheckEvent(ctx, s.number, s.last.position, s.last.id)
}

// releaseOwn releases comments and gifts that this process has committed, and that follow the newest event that was released.
func (s *relayed) releaseOwn(ctx context.Context) error {
	for {
		events := s.leading(s.store.Recent(s.last.position, s.last.id))
		if len(events) == 0 {
			return nil
		}
		if err := s.releaseEarly(ctx, events); err != nil {
			return err
		}
	}
}

// untilComparison returns the time until the tables are compared with what the relay has sent. It is short if somebody
// waits for the tables, or if they had an event that the relay has not sent.
func (s *relayed) untilComparison() time.Duration {
	if s.waiting() || !s.behind.IsZero() {
		return s.c.CheckpointPoll
	}
	return max(s.c.CheckpointPoll, tablesPerRelay*s.c.RelayTimeout-s.now().Sub(s.compared))
}

// readTables reads the checkpoint of the tables when a comparison is due.
func (s *relayed) readTables(ctx context.Context) error {
	if s.untilComparison() > s.c.CheckpointPoll {
		return nil
	}
	s.compared = s.now()
	position, err := s.tables.read(ctx, s.last)
	if errors.Is(err, eventstore.ErrCursorLost) {
		return s.store.CheckEvent(ctx, s.number, s.last.position, s.last.id)
	}
	if err != nil {
		return err
	}
	s.lead.reached(position)
	switch {
	case position <= s.last.position:
		s.behind = time.Time{}
	case s.behind.IsZero() || s.behindAt != s.last.position:
		s.behind, s.behindAt = s.now(), s.last.position
	}
	return nil
}
