package media

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/lxzan/gws"
	"golang.org/x/sync/errgroup"
)

const (
	sweepEvery   = 200 * time.Millisecond
	measureEvery = time.Second
	gateTime     = 5 * time.Second // for a gate to decide
	farewellTime = 5 * time.Second // for connections to end, and then for observers to be told
)

// Server takes streams in and gives them out. Run must run while it serves; ServeRTMP and ServeHTTP are
// its doors. It is safe for concurrent use.
type Server struct {
	cfg     Config
	hub     *hub
	lobby   *seats // of those of whom nothing is known
	seats   *seats // of publishers and players
	crew    *crew
	hls     *hlsDoor
	sockets *gws.Upgrader
	refused atomic.Uint64
}

// New makes a Server, which does nothing before Run.
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg:     cfg,
		hub:     newHub(cfg),
		lobby:   newSeats(cfg.Limits.MaxPending, cfg.Limits.MaxPendingPerAddress),
		seats:   newSeats(cfg.Limits.MaxMediaConnections, cfg.Limits.MaxMediaPerAddress),
		crew:    newCrew(),
		sockets: newUpgrader(),
	}
	s.hls = newHLSDoor(s)
	return s, nil
}

// Run does what time brings about and tells the observers, until ctx ends. Then it ends all shows and
// connections, tells the observers that too, and returns nil. What comes afterwards is refused.
func (s *Server) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { s.sweep(ctx); return nil })
	g.Go(func() error { s.tell(ctx); return nil })
	return g.Wait()
}

func (s *Server) sweep(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	var measured time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := s.cfg.Now()
		measure := now.Sub(measured) >= measureEvery
		if measure {
			measured = now
		}
		s.hub.sweep(measure)
		s.hls.sweep(now)
	}
}

func (s *Server) tell(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-s.hub.notices.more:
			s.hub.notices.tell(ctx)
		case <-ctx.Done():
		}
	}
	s.hub.close()
	s.hls.close()
	s.crew.dismiss(farewellTime)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellTime)
	defer cancel()
	for s.hub.notices.waiting() { // also when time is up: whoever is told does then what needs none
		s.hub.notices.tell(ctx)
	}
}

// Snapshot is what the server is doing now.
func (s *Server) Snapshot() Snapshot {
	shot := s.hub.stats()
	shot.Connections, shot.Pending = s.seats.count(), s.lobby.count()
	shot.Refused = s.refused.Load()
	return shot
}

// Players lists who plays the stream of key, the longest first.
func (s *Server) Players(key string) []PlaySession { return s.hub.viewings(key) }

// Kick ends the connection of the publisher or player with this Client.ID, and says whether there was
// one. The show of a publisher that is kicked ends. It may come back if its gate lets it.
func (s *Server) Kick(id string) bool { return s.hub.kick(id) }

// Cut ends the show of key and everybody's connection to it. Whoever is on its way in, and was let in by
// the gate before, does not come in any more.
func (s *Server) Cut(key string, why Reason) { s.hub.cut(key, why) }

// Subscribe reads a show from inside the process, from its first frame or what is left of it, to its last: also
// when it is cut, and whoever else plays it is sent away. ErrEnded says that it is over.
func (s *Server) Subscribe(show Broadcast) (*Player, error) {
	return s.hub.join(joining{key: show.Key, show: show.ID, client: Client{ID: newID(), Protocol: Internal}, early: true})
}

// asks gives a gate its time.
func (s *Server) asks(ctx context.Context, gate func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, gateTime)
	defer cancel()
	return gate(ctx)
}

// refuse counts a refusal, and says aloud only what is not the client's fault.
func (s *Server) refuse(ctx context.Context, what string, client Client, err error) {
	s.refused.Add(1)
	level := slog.LevelDebug
	if errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrLimitReached) && !errors.Is(err, ErrServerClosed) { // those are counted
		level = slog.LevelWarn
	}
	s.cfg.Log.Log(ctx, level, what+" refused", slog.String("client", client.ID), slog.String("address", client.Address),
		slog.String("protocol", string(client.Protocol)), slog.Any("err", err))
}

// catch keeps a fault in what one connection does to that connection.
func (s *Server) catch(client Client) {
	if fault := recover(); fault != nil {
		s.cfg.Log.Error("a connection failed", slog.String("client", client.ID), slog.String("address", client.Address),
			slog.Any("panic", fault), slog.String("stack", string(debug.Stack())))
	}
}
