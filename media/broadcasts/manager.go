package broadcasts

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"roomlog/domain"
	"roomlog/media"
)

// Server is what a Stage takes streams off.
type Server interface {
	Cut(key string, why media.Reason)
	Kick(id string) bool
	Snapshot() media.Snapshot
	Players(key string) []media.PlaySession
}

// Manager is the gate and the observer of one process's media.Server.
type Manager struct {
	cfg    Config
	server Server // of Serve

	tired atomic.Bool // the log does not listen, and there is no time left

	mu      sync.Mutex
	shows   map[string]*entry // by media.Show.ID: what the log was told of the shows that go on here
	resting map[domain.LiveID]time.Time
}

// entry is a show of this process as the log knows it.
type entry struct {
	key  string
	live domain.LiveID
	name domain.BroadcastID // mostly the show's own id
	show media.Broadcast

	after int64 // a position before its beginning
	ended int64 // where somebody else has said that it has ended; 0: nobody was heard to
}

// New makes a Stage. As a gate and an observer it works at once; Run does the rest.
func New(cfg Config) (*Manager, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Manager{cfg: cfg, shows: make(map[string]*entry), resting: make(map[domain.LiveID]time.Time)}, nil
}

// Attach says which server it is the stage of. It comes before that server runs.
func (s *Manager) Attach(server Server) { s.server = server }

// Run takes off the server what the log says has to go, ends the shows of dead processes in the log, and answers
// what a Board asks about this process, until ctx ends.
func (s *Manager) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.answer(ctx) })
	g.Go(func() error { return s.watch(ctx) })
	g.Go(func() error { return newReaper(s).run(ctx) })
	return g.Wait()
}

// rest keeps a room without a stream for a while.
func (s *Manager) rest(live domain.LiveID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	for other, until := range s.resting {
		if now.After(until) {
			delete(s.resting, other)
		}
	}
	s.resting[live] = now.Add(s.cfg.KickCooldown)
}

func (s *Manager) rests(live domain.LiveID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg.Now().Before(s.resting[live])
}

// pause waits for a while, shorter if ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
