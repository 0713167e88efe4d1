package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"time"

	"github.com/alecthomas/kong"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"roomlog/cmd/roomlog/cli"
	"roomlog/eventstore"
	"roomlog/internal/httpserver"
	"roomlog/internal/limit"
	"roomlog/internal/natsconn"
	"roomlog/internal/settings"
	"roomlog/migrations"
)

const (
	databaseConns      = 4
	metricsConnections = 16
	application        = "roomlog bridge"
)

// Command is the command "roomlog bridge". DeclareFlags adds the flags of the NATS servers.
type Command struct {
	Settings kong.Plugins `embed:""`

	Stream        string        `default:"roomlog-log" placeholder:"NAME" help:"Name of the JetStream stream, roomlog-log by default: letters, digits, - and _, at most 64. Its subjects are NAME.LIVE.TYPE."`
	Replicas      int           `default:"1" min:"1" max:"5" help:"Number of NATS servers that store a new stream, 1 to 5. An existing stream is not changed."`
	MaxAge        time.Duration `default:"0s" min:"0s" max:"876000h" help:"Age at which a new stream removes events, at most 876000h; 0: never. An existing stream is not changed."`
	Sealed        bool          `help:"Also copy personal texts, sealed as the log stores them: only the keys in the database open them. Other private fields are left out in any case."`
	Once          bool          `help:"Copy what the tables contain now and end, for a timer. Default: continue as the log grows, until Ctrl-C."`
	AcceptRemoved bool          `help:"Continue a stream whose newest message was removed by a purge or by its limits. The bridge cannot compare such a stream with the log."`
	MetricsAddr   string        `placeholder:"ADDR" help:"Address for /metrics, like 127.0.0.1:9464. Everybody who reaches it may read the metrics. Default: no metrics."`

	nats  natsconn.Settings
	flags settings.Flags
}

// Help returns the part of the help that follows the summary.
func (Command) Help() string {
	return `Examples:

  roomlog bridge --nats-url nats://127.0.0.1:4222
  roomlog bridge --nats-url tls://nats1.example:4222 --nats-credentials bridge.creds --replicas 3 --metrics-addr 127.0.0.1:9464
  nats consumer add roomlog-log shop --pull --filter 'roomlog-log.*.gift.>'

Copies every event of the log into a JetStream stream, in order and exactly once. The sequence number of a message is the position of its
event. A message is a CloudEvent: its attributes are headers (ce-id, ce-type, ce-live, …), its data is the event as in docs/EVENTS.md.
Private fields are left out, as for readers of /api/events without the role personal. The subject is NAME.LIVE.TYPE, such as
roomlog-log.6.gift.sent.v2, or roomlog-log.none.user.registered.v1 for an event without a live.

Runs beside servers, of which one must update the tables: an event is copied when the tables contain it. With the private PostgreSQL of
a data folder, start the server first. The bridge continues after the newest message of the stream, also after it was killed and while
NATS or the database cannot be reached. Several bridges may run at once: one copies, the others stand by. A missing stream is created on file
storage, without limits. A stream with settings that would lose events is refused.

If the stream contains events that the log does not have, because the log was restored to an earlier state, or that somebody else has
written, the bridge writes nothing, names both positions, and exits with 3. docs/BRIDGE.md describes consumers, rights and cures.`
}

// DeclareFlags adds the flags of the NATS servers. It is called once, before the command line is parsed.
func (c *Command) DeclareFlags() {
	c.flags.Add("roles", &c.nats)
	c.Settings = kong.Plugins{c.flags.Struct()}
}

var streamName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// CheckSettings checks all settings, before anything is opened.
func (c *Command) CheckSettings(sh cli.Shell) error {
	faults := []error{c.flags.Apply(sh.Sources.Of), cli.CheckDatabaseURL(sh.Getenv), cli.CheckNATS(sh, &c.nats)}
	if !c.nats.Set() {
		faults = append(faults, errors.New("--nats-url is required: the address of a NATS server with JetStream, like nats://127.0.0.1:4222"))
	}
	switch {
	case !streamName.MatchString(c.Stream):
		faults = append(faults, fmt.Errorf("--stream must have 1 to 64 letters, digits, - and _ (got %q)", c.Stream))
	case c.Stream == "roomlog":
		faults = append(faults, errors.New("--stream must not be roomlog: on its subjects, the nodes send messages to each other"))
	}
	if c.MetricsAddr != "" {
		if _, err := net.ResolveTCPAddr("tcp", c.MetricsAddr); err != nil {
			faults = append(faults, fmt.Errorf("--metrics-addr must be an address like 127.0.0.1:9464 (got %q)", c.MetricsAddr))
		}
	}
	return errors.Join(faults...)
}

// Run copies until ctx ends, or until everything is copied.
func (c *Command) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) (err error) {
	log := g.Logger(sh, slog.LevelInfo)
	var listener net.Listener
	if c.MetricsAddr != "" {
		if listener, err = net.Listen("tcp", c.MetricsAddr); err != nil {
			return fmt.Errorf("listen for /metrics: %w", err)
		}
		defer listener.Close()
	}
	dsn, release, err := g.Database(ctx, sh, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	if err := migrations.Check(ctx, dsn); err != nil {
		return err
	}
	pool, err := eventstore.OpenPool(ctx, dsn, eventstore.PoolOptions{MaxConns: databaseConns, Name: application})
	if err != nil {
		return err
	}
	defer pool.Close()
	store, err := eventstore.Open(ctx, pool, eventstore.Config{Now: sh.Now, Log: log})
	if err != nil {
		return err
	}
	conn, err := c.connect(sh, log)
	if err != nil {
		return err
	}
	defer conn.Close()
	return c.copy(ctx, sh, log, store, conn, listener)
}

// connect opens the connection to the NATS servers, which continues to try if none can be reached.
func (c *Command) connect(sh cli.Shell, log *slog.Logger) (*nats.Conn, error) {
	secrets, err := cli.NATSSecrets(sh.Getenv)
	if err != nil {
		return nil, err
	}
	return natsconn.Open(natsconn.Config{Settings: c.nats, Secrets: secrets, Name: application, Log: log})
}

// copy runs the bridge, and serves metrics if listener is not nil.
func (c *Command) copy(ctx context.Context, sh cli.Shell, log *slog.Logger, store *eventstore.Store, conn *nats.Conn, listener net.Listener) error {
	bar := cli.NewProgress(sh)
	caughtUp := false // a terminal shows the progress until then
	b, err := New(Config{Store: store, Conn: conn, Stream: c.Stream, Replicas: c.Replicas, MaxAge: c.MaxAge, Sealed: c.Sealed,
		AcceptRemoved: c.AcceptRemoved, Once: c.Once, Now: sh.Now, Log: log,
		Progress: func(position, released int64) {
			if !caughtUp {
				bar.Print(position, released)
			}
			if caughtUp = caughtUp || position >= released; caughtUp {
				bar.End()
			}
		}})
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	group, running := errgroup.WithContext(running)
	group.Go(func() error { return store.Listen(running) })
	if listener != nil {
		group.Go(func() error { return serveMetrics(running, listener, b, sh, log) })
	}
	group.Go(func() error {
		defer stop()
		return b.Run(running)
	})
	err = group.Wait()
	bar.End()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(sh.Stdout, "stream %s contains the log up to position %d\n", c.Stream, b.Position())
	return err
}

// serveMetrics serves /metrics until ctx ends.
func serveMetrics(ctx context.Context, listener net.Listener, b *Bridge, sh cli.Shell, log *slog.Logger) error {
	registry := prometheus.NewRegistry()
	b.Register(registry)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	config := httpserver.Config{Handler: mux, Slots: limit.NewSlots(metricsConnections, metricsConnections, nil), Now: sh.Now,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	settings.Defaults(&config.Timeouts)
	server := httpserver.New(config)
	log.InfoContext(ctx, "serving metrics", slog.String("address", listener.Addr().String()))
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve metrics: %w", err)
	}
	return nil
}
