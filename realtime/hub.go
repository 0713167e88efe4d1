package realtime

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"roomlog/domain"
	"roomlog/projections"

	"roomlog/realtime/ws"
)

// hub holds the rooms and the people that this process has connections of, and tells them what the feed
// releases. One goroutine handles the batches, in order; nothing it does waits for a client or a database.
type hub struct {
	door  *Door
	asOf  atomic.Int64  // rooms and people have been told everything up to here
	open  chan struct{} // closed when the feed is heard for the first time
	ready sync.Once

	mu        sync.Mutex // held while a batch is handled
	audiences map[domain.LiveID]map[Subscriber]struct{}
	rooms     map[domain.LiveID]*room
	people    map[domain.UserID]map[Client]struct{}
	annexes   []Dialect
	moved     chan struct{} // closed when asOf moves and somebody awaits it
	awaited   bool
}

func newHub(d *Door) *hub {
	return &hub{
		door: d, open: make(chan struct{}), moved: make(chan struct{}),
		rooms: make(map[domain.LiveID]*room), people: make(map[domain.UserID]map[Client]struct{}),
		audiences: make(map[domain.LiveID]map[Subscriber]struct{}),
	}
}

// resubscribe is how long the hub waits before it listens again after it was cut off.
const resubscribe = 100 * time.Millisecond

// run hears the feed until ctx ends.
func (h *hub) run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := h.hear(ctx); err != nil && ctx.Err() == nil {
			h.door.log.ErrorContext(ctx, "the rooms are cut off from the feed", slog.Any("err", err))
			wait(ctx, resubscribe)
		}
	}
	return nil
}

// hear handles what the feed releases until it does not hear it any more.
func (h *hub) hear(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // a subscription that nobody reads holds up the feed
	batches, err := h.door.cfg.Feed.Subscribe(ctx)
	if err != nil {
		return err
	}
	at := h.door.cfg.Feed.Checkpoint()
	if err := h.door.chat.load(ctx, at); err != nil {
		return err
	}
	h.reach(ctx, at)
	h.ready.Do(func() { close(h.open) })
	for b := range batches {
		h.handle(ctx, b)
	}
	return errCutOff
}

var errCutOff = errors.New("the subscription has ended")

// wait waits for a while, or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// reach makes position the beginning of what follows. If rooms or people missed something by it, all
// clients are sent away to come back and resume.
func (h *hub) reach(ctx context.Context, position int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reachLocked(ctx, position)
}

func (h *hub) reachLocked(ctx context.Context, position int64) {
	if position <= h.asOf.Load() {
		return
	}
	if len(h.rooms)+len(h.people)+len(h.audiences)+h.door.chat.size() > 0 {
		h.door.log.WarnContext(ctx, "rooms missed what the feed released and are closed",
			slog.Int64("after", h.asOf.Load()), slog.Int64("up_to", position))
		h.rooms = make(map[domain.LiveID]*room) // whoever joins from now on finds a room without a gap
		h.door.sockets.CloseAll(ws.CloseBehind, "resume from where you are")
		h.cutAudiences()
		h.door.chat.cut()
	}
	h.moveTo(position)
}

// handle tells rooms and people what a batch says.
func (h *hub) handle(ctx context.Context, b projections.Batch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reachLocked(ctx, b.After)
	asOf := h.asOf.Load()
	for _, d := range b.Deltas {
		if d.Position <= asOf {
			continue
		}
		h.tellAudiences(d)
		if d.Chat() || d.Kind == projections.KindProfile {
			h.door.chat.inbox.add(d.Position-1, d)
		}
		switch {
		case d.Recipient != 0:
			h.tellPerson(d)
		case d.Kind == projections.KindModeration:
			h.keepOrder(d)
		default:
			if r := h.rooms[d.Live]; r != nil && d.Public() {
				r.tell(d)
			}
			h.door.presence.saw(d)
		}
	}
	for _, g := range b.Gauges {
		if r := h.rooms[g.Live]; r != nil {
			r.gauge(g)
		}
	}
	h.moveTo(max(b.Checkpoint, h.asOf.Load()))
}

// tellPerson tells a delta of somebody's private lane to everybody who is here in that person's name.
func (h *hub) tellPerson(d projections.Delta) {
	for g := range h.people[d.Recipient] {
		g.DeliverPrivate(d)
		h.door.sentry.saw(g, d)
	}
	h.keepOrder(d)
}

// hold answers the room of a live, which is kept up to date until release is called as often as hold.
func (h *hub) hold(live domain.LiveID) *room {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.rooms[live]
	if r == nil {
		at := h.asOf.Load()
		r = &room{
			live: live, fan: h.door.sockets.NewFanout(), start: at, last: at,
			crowd: h.door.cfg.Crowd, interval: h.door.cfg.CrowdInterval,
		}
		h.rooms[live] = r
	}
	r.held++
	return r
}

// release gives a room back; one that nobody holds is forgotten.
func (h *hub) release(r *room) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r.held--
	if r.held == 0 && h.rooms[r.live] == r {
		delete(h.rooms, r.live)
	}
}

// enter registers a guest under its person, unless there are too many. After the position it answers, g is told
// everything on the person's private lane.
func (h *hub) enter(user domain.UserID, g Client) (at int64, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	guests := h.people[user]
	if guests == nil {
		guests = make(map[Client]struct{})
		h.people[user] = guests
	}
	if limit := h.door.cfg.MaxConnsPerUser; limit >= 0 && len(guests) >= limit {
		return 0, false
	}
	guests[g] = struct{}{}
	return h.asOf.Load(), true
}

func (h *hub) exit(user domain.UserID, g Client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.people[user], g)
	if len(h.people[user]) == 0 {
		delete(h.people, user)
	}
}

// guests answers everybody who is here in somebody's name.
func (h *hub) guests() (all []Client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, guests := range h.people {
		for g := range guests {
			all = append(all, g)
		}
	}
	return all
}

// await waits until rooms and people have been told everything up to position; it answers false if ctx ends
// first.
func (h *hub) await(ctx context.Context, position int64) bool {
	for {
		h.mu.Lock()
		reached, moved := h.asOf.Load() >= position, h.moved
		if !reached {
			h.awaited = true
		}
		h.mu.Unlock()
		if reached {
			return true
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return false
		}
	}
}

// moveTo says that everything up to position has been told, and wakes whoever waits for it.
func (h *hub) moveTo(position int64) {
	h.door.chat.inbox.add(position)
	h.asOf.Store(position)
	if h.awaited {
		close(h.moved)
		h.moved, h.awaited = make(chan struct{}), false
	}
}
