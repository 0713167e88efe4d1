package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"
	_ "time/tzdata" // makes time zones available on systems without a time zone database

	"github.com/prometheus/client_golang/prometheus"

	"roomlog/api/password"
	"roomlog/api/payment"
	"roomlog/api/token"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/limit"
	"roomlog/internal/settings"
	"roomlog/projections"
)

// Executor executes commands. It returns when their events are durable. eventstore.Sequencer implements it.
type Executor interface {
	Execute(ctx context.Context, r domain.Request) (eventstore.Receipt, error)
}

// Feed waits for the tables. projections/feed.Feed implements it.
type Feed interface {
	// WaitFor blocks until the tables have reached position or ctx ends.
	WaitFor(ctx context.Context, position int64) error
}

// Signs creates the signs that permit clients to publish or play a stream.
type Signs interface {
	Publish(streamKey string) string
	Play(streamKey string) string
}

// Check is one condition for readiness.
type Check struct {
	Name string // "database"
	// Run returns a note for clients and, if this process should not receive requests, an error. The error is logged,
	// not sent to clients. A Degraded is sent to clients, and the process should receive requests nevertheless.
	Run func(ctx context.Context) (note string, err error)
}

// Degraded is the error of a Check of a process that serves, but not everything. Its text says what is missing and why.
type Degraded string

// Error returns the text.
func (d Degraded) Error() string { return string(d) }

// Config configures an API. The fields of the first group are required.
type Config struct {
	Store     *eventstore.Store
	Commands  Executor
	Queries   *projections.Queries
	Feed      Feed
	Admission *projections.Admission
	Tokens    *token.Issuer
	Signs     Signs
	Payments  payment.Provider
	Uploads   string // folder of uploaded files; created if it does not exist
	Now       func() time.Time

	Streams     Streams                                                      // nil: no streams
	Connections func(context.Context, ConnectionFilter) (Connections, error) // surveys all nodes; nil: no connections
	Log         *slog.Logger                                                 // nil: silent
	Metrics     *prometheus.Registry                                         // served at /metrics; nil: a new one
	Checks      []Check                                                      // of /readyz
	Version     string                                                       // shown in /openapi.json; empty: "dev"
	Password    password.Cost                                                // memory and time that one password hash takes

	CORSOrigins []string      // browser origins that may call the API; nil: any, because the server sets no cookies
	Proxies     limit.Proxies // trusted proxies, whose X-Forwarded-For is used; nil: loopback addresses
	MetricsFrom limit.Proxies // addresses that may read /metrics; nil: loopback addresses
	GuestChat   bool          // lets users sign in with an e-mail address and no password

	PublicURL    string `placeholder:"URL" help:"URL by which clients reach this server, like https://live.example, used in the addresses of uploads. Default: the host of each request."`
	TimeZone     string `default:"Asia/Shanghai" help:"IANA time zone of created_time in API responses."`
	CoinsPerUnit int64  `default:"10" min:"1" max:"1000000" unit:"coins" help:"Coins credited for one currency unit of a top-up."`
	ChatRooms    int    `default:"200" min:"1" max:"100000" help:"Chat rooms that users may create in total. Operators may create more."`

	RequestTimeout time.Duration `default:"15s" min:"10ms" max:"10m" help:"Time limit of one request. Uploads and event streams have their own."`
	Settle         time.Duration `default:"2s" min:"1ms" max:"1m" help:"Time that an accepted command waits for the tables, so that clients read their own writes."`
	BodyBytes      int64         `default:"65536" min:"100" max:"16777216" unit:"bytes" help:"Size of a JSON body."`
	BodyTimeout    time.Duration `default:"10s" min:"10ms" max:"10m" help:"Time in which a JSON body must arrive."`
	UploadBytes    int64         `default:"5242880" min:"1000" max:"1073741824" unit:"bytes" help:"Size of an uploaded image or sound."`
	UploadTimeout  time.Duration `default:"1m" min:"10ms" max:"1h" help:"Time in which an upload must arrive."`

	ReadsPerAddress         int `default:"30000" min:"1" max:"10000000" unit:"requests/min" help:"Read requests from one address (IPv6: one /64 network). Mobile networks put many users behind one address."`
	PaymentsPerAddress      int `default:"6000" min:"1" max:"10000000" unit:"requests/min" help:"Callbacks of the payment provider from one address."`
	SignInsPerAddress       int `default:"60" min:"1" max:"1000000" unit:"requests/min" help:"Sign-ins from one address."`
	SignInsPerName          int `default:"10" min:"1" max:"1000000" unit:"requests/min" help:"Sign-ins under one username or e-mail address."`
	RegistrationsPerAddress int `default:"20" min:"1" max:"1000000" unit:"requests/min" help:"New accounts from one address."`
	ChatRoomsPerAddress     int `default:"10" min:"1" max:"1000000" unit:"requests/min" help:"New chat rooms from one address."`
	WritesPerUser           int `default:"120" min:"1" max:"1000000" unit:"requests/min" help:"Commands of one user over REST."`
	UploadsPerUser          int `default:"20" min:"1" max:"1000000" unit:"requests/min" help:"Uploads of one user."`

	EventStreams int `default:"32" min:"1" max:"10000" help:"Replays of the event log that may be open at the same time."`

	PageSize          int           `default:"10"`  // number of items per page of lives or recordings
	EventHeartbeat    time.Duration `default:"15s"` // maximum time between two lines of an event stream
	SlowEventReader   time.Duration `default:"5s"`  // time to send one chunk after which a slow reader is disconnected with a cursor
	EventWriteTimeout time.Duration `default:"15s"` // time to send one chunk after which a reader is disconnected without a cursor
}

// CheckSettings returns an error for settings that are invalid in combination.
func (c *Config) CheckSettings() error {
	var faults []error
	public, err := url.Parse(c.PublicURL)
	if err != nil || c.PublicURL != "" && (public.Scheme != "http" && public.Scheme != "https" || public.Host == "") {
		faults = append(faults, fmt.Errorf("--public-url must be a URL like https://live.example (got %q)", c.PublicURL))
	}
	if _, err := time.LoadLocation(c.TimeZone); err != nil {
		faults = append(faults, fmt.Errorf("--time-zone must be an IANA name like Asia/Shanghai (got %q)", c.TimeZone))
	}
	return errors.Join(faults...)
}

// prepare sets the defaults of c. It returns an error if c is invalid.
func (c *Config) prepare() error {
	switch {
	case c.Store == nil || c.Commands == nil || c.Queries == nil || c.Feed == nil || c.Admission == nil:
		return errors.New("api: Store, Commands, Queries, Feed and Admission are required")
	case c.Tokens == nil || c.Signs == nil || c.Payments == nil || c.Now == nil:
		return errors.New("api: Tokens, Signs, Payments and Now are required")
	case c.Uploads == "":
		return errors.New("api: Uploads, the folder of uploaded files, is required")
	}
	settings.Defaults(c)
	if err := settings.Check(c); err != nil {
		return err
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	c.prepareOptions()
	return nil
}

func (c *Config) prepareOptions() {
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
		c.Connections = func(context.Context, ConnectionFilter) (Connections, error) {
			return Connections{Sockets: []Connection{}}, nil
		}
	}
	if c.Proxies == nil {
		c.Proxies = limit.Loopback()
	}
	if c.MetricsFrom == nil {
		c.MetricsFrom = limit.Loopback()
	}
	if c.Version == "" {
		c.Version = "dev"
	}
}

// Time formats of responses.
const (
	wallTime = "2006-01-02 15:04:05"
	utcTime  = "2006-01-02T15:04:05.000Z"
)
