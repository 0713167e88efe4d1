package broadcasts

import (
	"context"

	"roomlog/media"
	"roomlog/media/restream"
)

// Manager is the authorizer and the observer of the media server of one node. It is safe for concurrent use.
type Manager struct {
	cfg        Config
	server     *serverRef
	authorizer *authorizer
	log        *eventLog
}

// New returns a Manager. It authorizes and observes immediately; Run does the rest. New adds a cleanup to the cluster
// and must be called before the cluster runs.
func New(cfg Config) (*Manager, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	server := &serverRef{}
	cfg.Cluster.OnNodeLost(lostNodeCleanup(cfg))
	return &Manager{cfg: cfg, server: server, authorizer: newAuthorizer(cfg, server), log: newEventLog(cfg, server)}, nil
}

// Attach sets the media server. It must be called before the server runs.
func (m *Manager) Attach(server Server) { m.server.Server = server }

// Run follows the log, disconnects publishers and players that may not stay connected, and replies to the surveys of
// a Directory until ctx ends. Then it returns nil.
func (m *Manager) Run(ctx context.Context) error {
	defer answerSurveys(m.cfg.Cluster, m.server)()
	w := &watcher{cfg: m.cfg, server: m.server, authorizer: m.authorizer, log: m.log}
	return w.run(ctx)
}

// AuthorizeConnect refuses clients that push a broadcast of this service on. AuthorizePublish and AuthorizePlay check the rights of
// all others.
func (m *Manager) AuthorizeConnect(_ context.Context, r media.ConnectRequest) error {
	if service, _ := r.Client.Fields[restream.ServiceField].(string); service != "" && service == m.cfg.Service {
		return ErrOwnService
	}
	return nil
}

// AuthorizePublish accepts a publisher with a publish sign or the publish key of a live. The live must exist, must not
// have ended, must not have been kicked within Config.KickCooldown, and must not be published on another node. Its
// owner must have the right to broadcast.
func (m *Manager) AuthorizePublish(ctx context.Context, r media.PublishRequest) error {
	return m.authorizer.publish(ctx, r)
}

// AuthorizePlay accepts a player with a play sign for a live that exists and has not ended, and whose owner may
// broadcast.
func (m *Manager) AuthorizePlay(ctx context.Context, r media.PlayRequest) error {
	return m.authorizer.play(ctx, r)
}

// PublishStarted records the beginning of a broadcast. It blocks until the log has accepted or refused it.
func (m *Manager) PublishStarted(ctx context.Context, b media.Broadcast) { m.log.started(ctx, b) }

// PublishStopped records the end of a broadcast. It blocks until the log has accepted or refused it.
func (m *Manager) PublishStopped(ctx context.Context, b media.Broadcast, reason media.Reason) {
	m.log.stopped(ctx, b, reason)
}
