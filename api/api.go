package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
)

// Executor decides commands and makes what follows durable: the sequencer.
type Executor interface {
	Execute(ctx context.Context, r domain.Request) (eventstore.Receipt, error)
}

// Feed knows how far the tables are.
type Feed interface {
	Checkpoint() int64
	WaitFor(ctx context.Context, position int64) error
}

// Signs makes the signs that open a stream.
type Signs interface {
	Publish(key string) string
	Play(key string) string
}

// Config is what the door needs and how it behaves. The first group has to be given; everything
// else has a default that is safe to serve with.
type Config struct {
	Store    *eventstore.Store
	Commands Executor
	Queries  *projections.Queries
	Feed     Feed
	Pool     *pgxpool.Pool // of the serving role: password hashes are kept beside the log
	Tokens   *Tokens
	Signs    Signs
	Payments PaymentProvider
	Uploads  string // the folder of what is uploaded; made if it is not there
	Now      func() time.Time

	Streams Streams // nil: there are none

	// Connections asks the processes that hold connections for them; nil: there are none.
	Connections func(context.Context, SocketFilter) (Sockets, error)

	Log     *slog.Logger         // nil: silent
	Metrics *prometheus.Registry // served at /metrics; nil: an own one
	Checks  []Check              // asked by /readyz
	Version string               // of the program, shown in /openapi.json

	MetricsFrom Proxies // who may read /metrics, as the client's address behind trusted proxies; nil: Loopback

	PublicURL string         // how clients reach this server: "https://live.example"; "": as each request says
	Origins   []string       // browser origins that may call; nil: any, for no cookie carries a right
	Proxies   Proxies        // whose X-Forwarded-For counts; nil: Loopback
	Zone      *time.Location // of created_time; nil: Asia/Shanghai
	Password  PasswordCost   // the work of one guess

	CoinsPerUnit domain.Coins // what one unit of price buys; default 10
	PageSize     int          // rooms a page of the list; default 10
	ChatRooms    int          // chat rooms in all, those of operators aside; default 200
	GuestChat    bool         // an e-mail address alone opens a session

	RequestTimeout time.Duration // one request, streams and uploads aside; default 15 s
	Settle         time.Duration // how long a command waits for the tables; default 2 s
	BodyBytes      int64         // a JSON body; default 64 KiB
	BodyTimeout    time.Duration // until it has arrived; default 10 s
	UploadBytes    int64         // a picture; default 5 MiB
	UploadTimeout  time.Duration // until it has arrived; default 60 s

	SignInsByAddress       int // a minute; default 60, for many share an address
	SignInsByName          int // a minute; default 10
	RegistrationsByAddress int // a minute; default 20
	WritesByUser           int // commands a minute; default 120
	UploadsByUser          int // a minute; default 20
	RoomsByAddress         int // new chat rooms a minute; default 10

	EventStreams      int           // open at once; default 32
	EventBeat         time.Duration // a silent stream says how far it is this often; default 15 s
	EventSlow         time.Duration // a reader that takes longer for some lines is sent away; default 5 s
	EventWriteTimeout time.Duration // one that takes longer is cut off; default 15 s
}

func (c *Config) check() error {
	switch {
	case c.Store == nil || c.Commands == nil || c.Queries == nil || c.Feed == nil || c.Pool == nil:
		return errors.New("api: Store, Commands, Queries, Feed and Pool are required")
	case c.Tokens == nil || c.Signs == nil || c.Payments == nil || c.Now == nil:
		return errors.New("api: Tokens, Signs, Payments and Now are required")
	case c.Uploads == "":
		return errors.New("api: Uploads, the folder of what is uploaded, is required")
	}
	public, err := url.Parse(c.PublicURL)
	if err != nil || c.PublicURL != "" && (public.Scheme != "http" && public.Scheme != "https" || public.Host == "") {
		return fmt.Errorf("api: PublicURL %q is not like https://live.example", c.PublicURL)
	}
	return nil
}

func (c *Config) setDefaults() {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Streams == nil {
		c.Streams = noStreams{}
	}
	if c.Metrics == nil {
		c.Metrics = prometheus.NewRegistry()
	}
	if c.Connections == nil {
		c.Connections = func(context.Context, SocketFilter) (Sockets, error) { return Sockets{Sockets: []Socket{}}, nil }
	}
	if c.Proxies == nil {
		c.Proxies = Loopback()
	}
	if c.MetricsFrom == nil {
		c.MetricsFrom = Loopback()
	}
	if c.Zone == nil {
		c.Zone = shanghai()
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	standard(&c.Version, "dev")
	standard(&c.CoinsPerUnit, 10)
	standard(&c.PageSize, 10)
	standard(&c.RequestTimeout, 15*time.Second)
	standard(&c.Settle, 2*time.Second)
	standard(&c.BodyBytes, 64<<10)
	standard(&c.BodyTimeout, 10*time.Second)
	standard(&c.UploadBytes, 5<<20)
	standard(&c.UploadTimeout, time.Minute)
	standard(&c.SignInsByAddress, 60)
	standard(&c.SignInsByName, 10)
	standard(&c.RegistrationsByAddress, 20)
	standard(&c.WritesByUser, 120)
	standard(&c.UploadsByUser, 20)
	standard(&c.RoomsByAddress, 10)
	standard(&c.ChatRooms, domain.DefaultMaxChatRooms)
	standard(&c.EventStreams, 32)
	standard(&c.EventBeat, 15*time.Second)
	standard(&c.EventSlow, 5*time.Second)
	standard(&c.EventWriteTimeout, 15*time.Second)
}

func standard[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// API answers HTTP requests. It is safe for concurrent use.
type API struct {
	http.Handler
	server *server
}

// Drain ends the streams of events, so that a server that shuts down need not wait for their
// readers. Everything else goes on.
func (a *API) Drain() { a.server.drain() }

// server is the door from inside.
type server struct {
	Config
	log       *slog.Logger
	router    chi.Router
	huma      huma.API
	passwords *passwords
	uploads   *os.Root
	limits    limits
	meters    *meters
	streams   chan struct{} // one place for each open stream of events
	draining  chan struct{}
	drain     func()

	description []byte // of the surface, as OpenAPI
}

// New makes the door. It changes nothing until requests come.
func New(c Config) (*API, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	c.setDefaults()
	if err := os.MkdirAll(c.Uploads, 0o750); err != nil {
		return nil, fmt.Errorf("api: make the folder of uploads: %w", err)
	}
	uploads, err := os.OpenRoot(c.Uploads)
	if err != nil {
		return nil, fmt.Errorf("api: open the folder of uploads: %w", err)
	}
	draining := make(chan struct{})
	s := &server{
		Config: c, log: c.Log,
		passwords: newPasswords(c.Password), uploads: uploads, limits: newLimits(c),
		streams: make(chan struct{}, c.EventStreams), draining: draining,
		drain: sync.OnceFunc(func() { close(draining) }),
	}
	if s.meters, err = newMeters(c.Metrics); err != nil {
		return nil, err
	}
	s.router = chi.NewRouter()
	s.surface()
	if s.description, err = openapiJSON(s.huma.OpenAPI()); err != nil {
		return nil, err
	}
	return &API{Handler: s.router, server: s}, nil
}
