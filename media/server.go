package media

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/lxzan/gws"
	"golang.org/x/sync/errgroup"

	"roomlog/internal/wait"
	"roomlog/media/snapshot"
)

const (
	sweepInterval   = 200 * time.Millisecond
	measureInterval = time.Second
	shutdownTimeout = 5 * time.Second // maximum time for connections to end, and then for observers to be notified
)

// Server receives and distributes streams. ServeRTMP and ServeHTTP accept clients while Run runs. A Server is safe
// for concurrent use.
type Server struct {
	core      *core
	hls       *hlsServer
	upgrader  *gws.Upgrader
	snapshots *snapshot.Taker
}

// New returns a Server. It does nothing until Run is called.
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	c := newCore(cfg)
	return &Server{core: c, hls: newHLSServer(c), upgrader: newUpgrader(), snapshots: snapshot.New(cfg.FFmpeg, cfg.Now)}, nil
}

// Run applies timeouts and notifies the observers until ctx ends. It then ends all broadcasts and connections, notifies
// the observers of these ends, and returns nil. Afterwards the server refuses all requests.
func (s *Server) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { s.sweep(ctx); return nil })
	g.Go(func() error { s.notify(ctx); return nil })
	return g.Wait()
}

func (s *Server) sweep(ctx context.Context) {
	var measured time.Time
	for wait.Sleep(ctx, sweepInterval) {
		now := s.core.cfg.Now()
		measure := now.Sub(measured) >= measureInterval
		if measure {
			measured = now
		}
		s.core.hub.sweep(measure)
		s.hls.sweep(now)
	}
}

// notify delivers notifications until ctx ends, then shuts the server down and delivers the remaining notifications.
func (s *Server) notify(ctx context.Context) {
	hub := s.core.hub
	for ctx.Err() == nil {
		select {
		case <-hub.notifier.wake:
			hub.notifier.deliver(ctx)
		case <-ctx.Done():
		}
	}
	hub.close()
	s.hls.close()
	s.core.conns.drain(shutdownTimeout)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	for !hub.notifier.empty() { // after the timeout, too: ctx has then ended, so that no observer blocks
		hub.notifier.deliver(ctx)
	}
}

// Snapshot returns the current streams and counters.
func (s *Server) Snapshot() Snapshot {
	shot := s.core.hub.stats()
	shot.Connections, shot.Pending = s.core.players.Count()+s.core.sources.Count(), s.core.pending.Count()
	shot.Refused = s.core.refused.Load()
	return shot
}

// Players returns the players of a stream key, in the order in which they started.
func (s *Server) Players(key string) []PlaySession { return s.core.hub.sessions(key) }

// Keys returns the keys of the streams that clients of this node use, also of those that have ended and whose rest players over HLS
// still receive.
func (s *Server) Keys() []string {
	keys := make(map[string]bool)
	s.core.hub.addKeys(keys)
	s.hls.addKeys(keys)
	return slices.Collect(maps.Keys(keys))
}

// Viewers returns the clients whose signs name users and that play the stream of key. It includes the play sessions of HLS that do
// not play yet, or that receive the rest of a stream that has ended. A client may be contained twice.
func (s *Server) Viewers(key string) []Client {
	all := s.hls.clients(key)
	for _, p := range s.Players(key) {
		all = append(all, p.Client)
	}
	return slices.DeleteFunc(all, func(c Client) bool { return c.User == 0 })
}

// KeyOf returns the stream key of the publisher or player with this Client.ID, and reports whether it was found.
func (s *Server) KeyOf(id string) (key string, found bool) { return s.core.hub.keyOf(id) }

// Drain ends the responses of players over HTTP/2, for which a stopping HTTP server would otherwise wait. It does not block.
func (s *Server) Drain() { s.core.drain() }

// Kick ends the connection of the publisher or player with this Client.ID, and reports whether it was found. If it is a
// publisher, its broadcast ends. The client may connect again if the Authorizer accepts it.
func (s *Server) Kick(id string) bool { return s.core.hub.kick(id) }

// Cut ends the broadcast of key and disconnects the publisher and all players. It also refuses clients that were
// authorized before the call and have not joined the stream yet. If the reason is ReasonEnded, the players of HLS receive
// the rest of the broadcast that this node has and the end of their playlists; with any other reason they are refused at once.
func (s *Server) Cut(key string, reason Reason) {
	s.core.hub.cut(key, reason)
	if reason != ReasonEnded {
		s.hls.cut(key)
	}
}

// CutUser disconnects the players of key whose signs name a user; key "" means every stream. It also refuses players of the
// user that were authorized before the call and have not joined the stream yet.
func (s *Server) CutUser(key string, user int64) {
	s.core.hub.cutUser(key, user, ReasonKicked)
	s.hls.dropUser(key, user)
}

// CutAnonymous disconnects the players of key whose signs name no user, unless keep reports true for a player. It also refuses
// all players that were authorized before the call and have not joined the stream yet. A player over HLS joins with its play
// session.
func (s *Server) CutAnonymous(key string, keep func(Client) bool) {
	s.core.hub.cutAnonymous(key, ReasonKicked, keep)
	s.hls.dropSessions(func(c *hlsSession) bool {
		return c.request.key == key && c.request.client.User == 0 && !keep(c.request.client)
	})
}

// Restrict sets whether the files of the stream of key are restricted. Each restricted file of HLS can be fetched only
// with the play session of a player who may play the stream now.
func (s *Server) Restrict(key string, restricted bool) { s.hls.restrict(key, restricted) }

// CutPublisher ends the broadcast of key if match reports true for its publisher. It also refuses publishers that were
// authorized before the call and do not publish yet. The players see the end of the broadcast.
func (s *Server) CutPublisher(key string, reason Reason, match func(Client) bool) {
	s.core.hub.cutPublisher(key, reason, match)
}

// Subscribe returns a player inside the process that reads a broadcast from its first frame, or from the oldest
// buffered frame, to its last frame. The player reads to the end even if the stream is cut. Subscribe returns
// ErrEnded if the broadcast has ended.
func (s *Server) Subscribe(b Broadcast) (*Player, error) {
	return s.core.hub.join(playRequest{key: b.Key, broadcast: b.ID, client: Client{ID: newID(), Protocol: Internal}, complete: true})
}

// Follow returns a player inside the process that plays a broadcast like a viewer: it begins with the newest key frame, and skips
// to a newer one if it is slow. It ends with the broadcast. Follow returns ErrEnded if the broadcast has ended.
func (s *Server) Follow(b Broadcast) (*Player, error) {
	return s.core.hub.join(playRequest{key: b.Key, broadcast: b.ID, client: Client{ID: newID(), Protocol: Internal}})
}
