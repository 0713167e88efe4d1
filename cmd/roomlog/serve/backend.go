package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"

	"roomlog/api"
	"roomlog/api/schemas"
	"roomlog/api/webhooks"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/cluster"
	"roomlog/eventstore/ratelimit"
	"roomlog/eventstore/replica"
	"roomlog/eventstore/transparency/tree"
	"roomlog/internal/tracing"
	"roomlog/migrations"
	"roomlog/projections"
	"roomlog/projections/feed"
	"roomlog/projections/holds"
)

// firstChatRoom is the name of the chat room that exists from the start, unless an operator has removed it.
const firstChatRoom = "demo"

// pingTimeout is the time after which a database that does not respond counts as lost.
const pingTimeout = 2 * time.Second

// backend holds the parts that all servers use: the database, the log, the tables and the parts that update them.
type backend struct {
	postgres  *supervisor // supervisor of the private PostgreSQL; nil with DATABASE_URL
	migrated  migrations.Result
	pool      *pgxpool.Pool
	store     *eventstore.Store
	tracer    *tracing.Tracer // records traces; nil: nothing is recorded
	events    *replica.Reader // reads the history of the log, from the standby if there is one
	sequencer *eventstore.Sequencer
	clients   *ratelimit.Limiter // executes the commands of all clients
	queries   *projections.Queries
	feed      *feed.Feed
	projector *projections.Projector // applies events to the tables; nil if this process does not have the role projector
	tree      *tree.Follower         // extends the transparency log; nil if this process does not have the role projector
	webhooks  *webhooks.Deliverer    // nil if this process does not have the role projector
	admission *projections.Admission
	nats      *nats.Conn // nil without NATS
	cluster   *cluster.Cluster
	opened    chan struct{} // closed when all servers are open; the process then joins the cluster, with the cleanups of the servers
	node      string        // name of this process in the cluster
	now       func() time.Time
}

// startBackend opens the database, migrates it, and starts the parts that append to the log and update the tables.
func startBackend(ctx context.Context, c *config, env *environment, l *layers) (*backend, error) {
	b := &backend{now: env.sh.Now, node: uuid.NewString(), opened: make(chan struct{})}
	l.run(ctx, "repeated warnings", env.logs.Run)
	dsn := env.databaseURL
	if dsn == "" {
		var err error
		if b.postgres, err = startPostgres(ctx, env.postgres, env.log); err != nil {
			return nil, err
		}
		l.add("PostgreSQL", b.postgres.Stop)
		l.run(ctx, "PostgreSQL supervisor", b.postgres.Run)
		dsn = b.postgres.DSN()
	}
	var err error
	if b.migrated, err = migrations.Apply(ctx, dsn, env.migrations); err != nil {
		return nil, err
	}
	if reason := b.migrated.RoleError; reason != nil {
		env.log.WarnContext(ctx, "serving role not available, this server keeps the rights of the owner of the database", slog.Any("error", reason))
	}
	if err := removeLeftovers(ctx, dsn, env.log); err != nil {
		return nil, err
	}
	b.pool, err = eventstore.OpenPool(ctx, dsn, eventstore.PoolOptions{
		Serving: b.migrated.ServingRole, MaxConns: c.DatabaseConnections, Name: "roomlog"})
	if err != nil {
		return nil, err
	}
	l.add("pool", func() error { b.pool.Close(); return nil })
	l.run(ctx, "outages", func(ctx context.Context) error { return env.logs.WatchDatabase(ctx, b.ping) })
	if b.store, err = eventstore.Open(ctx, b.pool, eventstore.Config{Now: env.sh.Now, Log: env.log, SnapshotKeys: env.secrets.snapshotKeys()}); err != nil {
		return nil, err
	}
	if err := checkSecrets(ctx, b.store, c, env); err != nil {
		return nil, err
	}
	if b.tracer, err = env.openTracer(ctx, c, l, b.node, b.store.ClockSkew); err != nil {
		return nil, err
	}
	if err := b.openReplica(ctx, c, env, l); err != nil {
		return nil, err
	}
	b.now = b.store.Now // compared with times in the log, which come from the clock of the database
	l.run(ctx, "notifications", b.store.Listen)
	if b.nats, err = openNATS(c, env, l, b.node); err != nil {
		return nil, err
	}
	transport, err := newTransport(b.nats, b.store, env.sh.Now)
	if err != nil {
		return nil, err
	}
	b.cluster = cluster.New(transport, cluster.Config{Node: b.node, Now: env.sh.Now, Log: env.log})
	l.run(ctx, "cluster", b.joinCluster)
	if slices.Contains(c.Roles, roleProjector) {
		b.projector = projections.NewProjector(b.store, projections.ProjectorConfig{Now: b.now, Log: env.log, Tracer: b.tracer})
		l.run(ctx, "projector", b.projector.Run)
		if b.tree, err = newTreeFollower(ctx, b.store, c, env); err != nil {
			return nil, err
		}
		l.run(ctx, "transparency log", b.tree.Run)
	}
	b.queries = projections.NewQueries(b.pool)
	sequencer := c.sequencer
	sequencer.Tracer = b.tracer
	b.sequencer = eventstore.NewSequencer(b.store, sequencer)
	hidden := (*eventstore.StandbysHiddenError)(nil)
	if err := b.sequencer.CheckStandby(ctx); errors.As(err, &hidden) {
		return nil, fmt.Errorf("--require-synchronous: %w", hidden)
	}
	l.run(ctx, "sequencer", b.sequencer.Run)
	if b.projector != nil {
		l.run(ctx, "coin holds", holds.NewRecorder(holds.Config{
			Queries: b.queries, Execute: b.sequencer.Execute, Projected: b.store.Projected(), Log: env.log}).Run)
		cleaner := &cleaner{
			store: b.store, queries: b.queries, pool: b.pool, dsn: dsn, log: env.log, now: b.now, interval: c.CleanInterval, keep: c.KeepOutcomes,
			rooms:   &unusedRooms{chatRoomSettings: c.chatRoomSettings, store: b.store, queries: b.queries, commands: b.sequencer, now: b.now},
			uploads: &unusedUploads{uploadSettings: c.uploadSettings, queries: b.queries, commands: b.sequencer, now: b.now},
		}
		l.run(ctx, "cleaner", cleaner.Run)
	}
	if err := b.startWebhooks(ctx, c, env, l); err != nil {
		return nil, err
	}
	limits := c.limits
	limits.Commands, limits.Now = b.sequencer, env.sh.Now
	if b.clients, err = ratelimit.New(limits); err != nil {
		return nil, err
	}
	b.feed = feed.New(b.store, b.queries, feed.Config{Log: env.log, Tracer: b.tracer, NATS: b.nats, Listen: b.projector != nil})
	b.queries = b.queries.After(b.feed.UpToDate)
	l.run(ctx, "feed", b.feed.Run)
	if err := b.waitForFeed(ctx, l); err != nil {
		return nil, err
	}
	b.admission, err = projections.NewAdmission(projections.AdmissionConfig{Queries: b.queries, Tables: b.feed, Head: b.store.Head, Now: b.now})
	if err != nil {
		return nil, err
	}
	return b, b.createFirstChatRoom(ctx)
}

// openReplica opens the standby of --read-url. A standby that cannot be reached does not keep this process from starting.
func (b *backend) openReplica(ctx context.Context, c *config, env *environment, l *layers) error {
	if env.readURL == "" {
		b.events = replica.New(b.store, nil, nil)
		return nil
	}
	pool, err := replica.OpenPool(ctx, env.readURL, eventstore.PoolOptions{Serving: b.migrated.ServingRole, MaxConns: c.DatabaseConnections, Name: "roomlog replica"})
	if err != nil {
		return err
	}
	l.add("replica pool", func() error { pool.Close(); return nil })
	b.events = replica.New(b.store, pool, env.log)
	l.run(ctx, "replica", b.events.Run)
	return nil
}

// startWebhooks sends events to webhooks while this process holds their lock. Only a process with the role projector does so.
func (b *backend) startWebhooks(ctx context.Context, c *config, env *environment, l *layers) error {
	if b.projector == nil {
		return nil
	}
	config := webhooks.Config{Settings: c.webhooks, Store: b.store, Queries: b.queries, Keys: webhooks.KeysOf(env.secrets.jwt), Log: env.log}
	if c.api.PublicURL != "" {
		config.Schemas = strings.TrimSuffix(c.api.PublicURL, "/") + schemas.Path
	}
	d, err := webhooks.New(config)
	if err != nil {
		return err
	}
	b.webhooks = d
	l.run(ctx, "webhooks of events", d.Run)
	return nil
}

// ping checks that the database responds in time.
func (b *backend) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	return b.pool.Ping(ctx)
}

// joinCluster makes this process a member of the cluster when all servers are open, until ctx ends.
func (b *backend) joinCluster(ctx context.Context) error {
	select {
	case <-b.opened:
		return b.cluster.Run(ctx)
	case <-ctx.Done():
		return nil
	}
}

// createFirstChatRoom creates the first chat room once for each log. Only a process with the role projector calls it.
func (b *backend) createFirstChatRoom(ctx context.Context) error {
	if b.projector == nil {
		return nil
	}
	_, err := b.sequencer.Execute(ctx, domain.Request{Command: api.NewChatRoom(b.store, firstChatRoom), Actor: domain.Actor{Kind: domain.System}})
	if err != nil {
		return fmt.Errorf("create the chat room %s: %w", firstChatRoom, err)
	}
	return nil
}

// waitForFeed blocks until the feed has reached the position of the tables. A server that opened earlier would mistake
// the distance for missed deltas and disconnect its first clients.
func (b *backend) waitForFeed(ctx context.Context, l *layers) error {
	position, err := b.queries.Checkpoint(ctx)
	if err != nil {
		return err
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for b.feed.Checkpoint() < position {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		case err := <-l.failed:
			return err
		}
	}
	return nil
}
