package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"
	_ "time/tzdata" // time zones for systems without a time zone database

	"github.com/prometheus/client_golang/prometheus"

	"roomlog/api/password"
	"roomlog/api/payment"
	"roomlog/api/refusals"
	"roomlog/api/token"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/replica"
	"roomlog/eventstore/transparency"
	"roomlog/internal/disk"
	"roomlog/internal/limit"
	"roomlog/internal/settings"
	"roomlog/internal/tracing"
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
	PlayAs(streamKey string, user int64, registered time.Time) string
	NewPublishKey() (key, hash string)
}

// Check is one condition that /readyz checks.
type Check struct {
	Name string // name of the check, such as "database"
	// Run returns a note for clients. It returns an error if this process should not receive requests; the error is
	// logged and not sent to clients. An error of type Degraded is sent to clients, but the process should still
	// receive requests.
	Run func(ctx context.Context) (note string, err error)
}

// Degraded is the error of a Check that finds that this process serves most requests, but not all. It says what is missing
// and why.
type Degraded string

// Error returns the message.
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
	Uploads   string // folder of uploaded files; created if it is missing
	Now       func() time.Time

	Events  *replica.Reader // reads the history of the log, perhaps from a standby; nil: from Store
	Tracer  *tracing.Tracer // records requests; nil: nothing is recorded
	Streams Streams         // streams of the media server; nil: this server has none
	// SealRestream splits the address and the stream key of a restream target into a URL that may be shown and a sealed secret. It
	// returns a refusal if they are not valid. nil: nobody can set targets.
	SealRestream func(live domain.LiveID, name, address, key string) (url, secret string, err error)
	Records      func(projections.Live) bool                                  // reports whether the next broadcast of a live is recorded; nil: never
	Connections  func(context.Context, ConnectionFilter) (Connections, error) // surveys all nodes; nil: no connections
	Log          *slog.Logger                                                 // receives the messages of the program; nil: none
	Metrics      *prometheus.Registry                                         // registry of the metrics at /metrics; nil: a new one
	Checks       []Check                                                      // checks of /readyz
	Version      string                                                       // version of the program in /openapi.json; empty: "dev"
	AsyncAPI     func() []byte                                                // returns the document at /asyncapi.json; called at most once; nil: no such document
	Refusals     func(domain.Command) []domain.Code                           // codes with which a command may be refused; nil: those of package refusals
	Password     password.Cost                                                // memory and time that one password hash takes

	CORSOrigins []string      // browser origins that may call the API; nil: all, because the server sets no cookies
	Proxies     limit.Proxies // trusted proxies, whose X-Forwarded-For is used; nil: loopback addresses
	MetricsFrom limit.Proxies // addresses that may read /metrics; nil: loopback addresses
	GuestChat   bool          // whether users may sign in with an e-mail address and no password

	Witnesses *transparency.Witnesses // witnesses of the transparency log; nil: none

	WebhookKeys [][]byte // keys from which the secrets of webhooks are derived, newest first; see package webhooks

	RefuseUploads bool // whether uploads are refused as storage_full, because the folder Uploads is temporary

	RTMPPort string // port to which encoders publish, shown to streamers; empty: unknown

	NoPage       bool   `help:"Do not serve the page for viewers, streamers and operators; the address / then leads to /docs. Default: the page is served at /."`
	MediaURL     string `placeholder:"URL" help:"URL by which the page reaches streams, like https://media.example. Default: the host of the page, at which a process with the role media serves streams, too."`
	TestPayments bool   `help:"Let users pay their orders without money (POST /api/gift/testpay), for tests and demonstrations. Default: off."`

	PublicURL        string        `placeholder:"URL" help:"URL by which clients reach this server, like https://live.example. It begins the addresses of uploaded files. Default: the host that each request names; then stickers and voice messages of the chat may refer to files on other hosts."`
	TimeZone         string        `default:"Asia/Shanghai" help:"IANA name of the time zone of created_time in API responses, like UTC."`
	CoinsPerUnit     int64         `default:"10" min:"1" max:"1000000" unit:"coins" help:"Number of coins that a top-up credits for one unit of the currency."`
	CorrectionLimit  int64         `default:"1000" min:"1" max:"1000000000000" unit:"coins" help:"Maximum number of coins of one correction that needs no approval of a second operator. It does not limit how many corrections an operator makes. Corrections from the command line always need one."`
	CorrectionPeriod time.Duration `default:"24h" min:"1m" max:"720h" help:"Time within which a second operator must approve a correction."`
	ChatRooms        int           `default:"200" min:"1" max:"100000" unit:"chat rooms" help:"Maximum number of chat rooms in total that users may create. Operators may create more."`

	RequestTimeout time.Duration `default:"15s" min:"10ms" max:"10m" help:"Maximum duration of one REST request. Uploads and event streams have limits of their own."`
	Settle         time.Duration `default:"2s" min:"1ms" max:"1m" help:"Maximum time that the response to a command waits until the tables contain its events, so that clients read their own writes."`
	BodyBytes      int64         `default:"65536" min:"100" max:"16777216" unit:"bytes" help:"Maximum size of the JSON body of a request."`
	BodyTimeout    time.Duration `default:"10s" min:"10ms" max:"10m" help:"Maximum time for the JSON body of a request to arrive."`
	UploadBytes    int64         `default:"5242880" min:"1000" max:"1073741824" unit:"bytes" help:"Maximum size of an uploaded image or sound."`
	UploadTimeout  time.Duration `default:"1m" min:"10ms" max:"1h" help:"Maximum time for an upload to arrive."`

	UploadQuota        int64         `default:"10737418240" min:"1000" max:"1125899906842624" unit:"bytes" zero:"no limit" help:"Maximum disk space of all uploads in the data folder of this process, 10 GiB by default. Uploads above it are refused."`
	UploadQuotaPerUser int64         `default:"104857600" min:"1000" max:"1125899906842624" unit:"bytes" help:"Maximum size of all uploads of one user, 100 MiB by default."`
	UploadFilesPerUser int           `default:"1000" min:"1" max:"10000" unit:"files" help:"Maximum number of uploads of one user."`
	UploadSweep        time.Duration `default:"1m" min:"10ms" max:"1h" help:"Interval between two searches for files of deleted uploads."`
	disk.Settings

	ReadsPerAddress         int `default:"30000" min:"1" max:"10000000" unit:"requests/min" help:"Maximum rate of requests from one address (IPv6: one /64 network), except for those with a limit of their own. Mobile networks put many users behind one address."`
	PaymentsPerAddress      int `default:"6000" min:"1" max:"10000000" unit:"requests/min" help:"Maximum rate of callbacks of the payment provider from one address."`
	SignInsPerAddress       int `default:"60" min:"1" max:"1000000" unit:"requests/min" help:"Maximum rate of sign-ins from one address."`
	WrongPasswordsPerDevice int `default:"10" min:"1" max:"1000000" unit:"attempts/min" help:"Maximum rate of wrong passwords under one username from one address, or from one device that has signed in under it before."`
	WrongPasswordsPerName   int `default:"30" min:"1" max:"1000000" unit:"attempts/min" help:"Maximum rate of wrong passwords under one username from all unknown addresses and devices together. An address or device is unknown until it has signed in under the username. Above the rate, only known ones may sign in."`
	RegistrationsPerAddress int `default:"20" min:"1" max:"1000000" unit:"requests/min" help:"Maximum rate of new accounts from one address."`
	UploadsPerUser          int `default:"20" min:"1" max:"1000000" unit:"requests/min" help:"Maximum rate of uploads of one user."`

	EventStreams int `default:"32" min:"1" max:"10000" unit:"replays" help:"Maximum number of replays of the event log (GET /api/events) that are open at the same time."`

	PageSize          int           `default:"10"`    // number of items on a page of lives or recordings
	EventCheck        time.Duration `default:"500ms"` // interval between two checks that the reader of an event stream may still read
	EventHeartbeat    time.Duration `default:"15s"`   // maximum time between two lines of an event stream
	SlowEventReader   time.Duration `default:"5s"`    // if sending a chunk takes longer, the stream ends after the chunk, with a last line that has a cursor
	EventWriteTimeout time.Duration `default:"15s"`   // maximum time for sending a chunk; then the connection is closed without a last line
}

// CheckSettings returns an error if the settings are invalid in combination.
func (c *Config) CheckSettings() error {
	var faults []error
	public, err := url.Parse(c.PublicURL)
	if err != nil || c.PublicURL != "" && (public.Scheme != "http" && public.Scheme != "https" || public.Host == "") {
		faults = append(faults, fmt.Errorf("--public-url must be a URL like https://live.example (got %q)", c.PublicURL))
	}
	if c.MediaURL != "" && (c.MediaURL == "*" || !settings.IsOrigin(c.MediaURL)) {
		faults = append(faults, fmt.Errorf("--media-url must be a URL without a path, like https://media.example (got %q)", c.MediaURL))
	}
	if _, err := time.LoadLocation(c.TimeZone); err != nil {
		faults = append(faults, fmt.Errorf("--time-zone must be an IANA name like Asia/Shanghai (got %q)", c.TimeZone))
	}
	if c.WrongPasswordsPerName < 2*c.WrongPasswordsPerDevice { // otherwise one address could lock all others out of a username
		faults = append(faults, fmt.Errorf("--wrong-passwords-per-name must be at least twice --wrong-passwords-per-device (got %d and %d)",
			c.WrongPasswordsPerName, c.WrongPasswordsPerDevice))
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
	if c.Events == nil {
		c.Events = replica.New(c.Store, nil, nil)
	}
	if c.Streams == nil {
		c.Streams = noStreams{}
	}
	if c.Records == nil {
		c.Records = func(projections.Live) bool { return false }
	}
	if c.SealRestream == nil {
		c.SealRestream = func(domain.LiveID, string, string, string) (string, string, error) {
			return "", "", badRequest("this server cannot push broadcasts on")
		}
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
	if c.Refusals == nil {
		c.Refusals = refusals.Of
	}
	if c.Version == "" {
		c.Version = "dev"
	}
}

// The time formats of responses.
const (
	wallTime = "2006-01-02 15:04:05"
	utcTime  = "2006-01-02T15:04:05.000Z"
)
