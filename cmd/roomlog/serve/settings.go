package serve

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/alecthomas/kong"

	"roomlog/api"
	"roomlog/eventstore"
	"roomlog/internal/limit"
	"roomlog/media"
	"roomlog/media/broadcasts"
	"roomlog/media/hooks"
	"roomlog/media/record"
	"roomlog/realtime/socketio/engineio"
)

// config is everything that can be set at the command line. A setting of a package is declared in the Config of that
// package; the structs in this file declare those of the parts that this package creates itself.
type config struct {
	networkSettings
	nodeSettings
	apiSettings
	liveSettings
	chatSettings
	recordSettings
	logSettings

	sockets    engineio.Config // its nested ws.Config serves both dialects
	media      media.Config
	broadcasts broadcasts.Config
	hooks      hooks.Config
	archive    broadcasts.RecordingsConfig
	recorder   record.Config
	sequencer  eventstore.SequencerConfig
}

// DeclareFlags adds the flags of all settings. It is called once, before the command line is parsed.
func (c *Command) DeclareFlags() {
	c.flags.Add("network", &c.networkSettings)
	c.flags.Add("roles", &c.nodeSettings)
	c.flags.Add("api", &c.apiSettings)
	c.flags.Add("socket", &c.sockets)
	c.flags.Add("live", &c.liveSettings)
	c.flags.Add("chat", &c.chatSettings)
	c.flags.Add("media", &c.media)
	c.flags.Add("media", &c.broadcasts)
	c.flags.Add("media", &c.hooks)
	c.flags.Add("record", &c.recordSettings)
	c.flags.Add("record", &c.archive)
	c.flags.Add("record", &c.recorder)
	c.flags.Add("log", &c.logSettings)
	c.flags.Add("log", &c.sequencer)
	c.Settings = kong.Plugins{c.flags.Struct()}
}

// AfterApply checks all settings when the command line has been parsed, before anything is opened.
func (c *Command) AfterApply() error {
	if err := c.flags.Apply(); err != nil {
		return err
	}
	c.sequencer.DrainTimeout = c.DrainTimeout
	c.sockets.BodyTimeout = c.BodyTimeout
	c.sockets.Sockets.Origins = c.CORSOrigins
	return nil
}

// networkSettings are how clients reach this process.
type networkSettings struct {
	HTTPAddr       string   `default:":7001" help:"Address for REST and WebSocket; port 0 selects a free port."`
	RTMPAddr       string   `default:":23480" help:"Address for RTMP encoders and players; port 0 selects a free port."`
	FLVAddr        string   `default:":23481" help:"Address for HTTP-FLV, WS-FLV and HLS players; port 0 selects a free port."`
	PprofAddr      string   `placeholder:"ADDR" help:"Address for profiles of this process, like 127.0.0.1:6060. Default: no profiles."`
	PublicURL      string   `placeholder:"URL" help:"URL by which clients reach this server, like https://live.example, used in the addresses of uploads. Default: the host of each request."`
	TrustedProxies []string `default:"127.0.0.0/8,::1/128" help:"Networks of the proxies whose X-Forwarded-For header gives the client's address, for limits and logs."`
	MetricsFrom    []string `default:"127.0.0.0/8,::1/128" help:"Networks that may read /metrics; others get 404. Behind a trusted proxy the client's address counts."`
	CORSOrigins    []string `placeholder:"ORIGIN" help:"Browser origins that may call. Default: any, because no cookie grants access."`
	Assets         string   `placeholder:"DIR" help:"Folder with socket.io.js for browser pages; make assets fills one. Default: assets in the data folder."`

	MaxHTTPConnections       int           `default:"4000" min:"1" max:"1000000" help:"Open HTTP connections of this process without WebSockets."`
	MaxConnections           int           `default:"20000" min:"1" max:"10000000" help:"Open WebSocket connections of this process."`
	MaxConnectionsPerAddress int           `default:"1000" min:"1" max:"1000000" help:"Open connections from one address (IPv6: one /64 network). Mobile networks put many users behind one address."`
	HeaderBytes              int           `default:"32768" min:"1024" max:"1048576" unit:"bytes" help:"Size of the header of a request."`
	HeaderTimeout            time.Duration `default:"10s" min:"100ms" max:"10m" help:"Time until the header of a request has arrived."`
	IdleTimeout              time.Duration `default:"2m" min:"1s" max:"1h" help:"Time that an HTTP connection may wait for its next request."`
	DrainTimeout             time.Duration `default:"10s" min:"100ms" max:"10m" help:"Time that a stop waits for requests and connections before it closes them."`
}

// CheckSettings checks networks and URLs.
func (s *networkSettings) CheckSettings() error {
	var faults []error
	if _, err := limit.ParseProxies(s.TrustedProxies); err != nil {
		faults = append(faults, fmt.Errorf("--trusted-proxies: %w", err))
	}
	if _, err := limit.ParseProxies(s.MetricsFrom); err != nil {
		faults = append(faults, fmt.Errorf("--metrics-from: %w", err))
	}
	return errors.Join(append(faults, checkURL("public-url", s.PublicURL))...)
}

// checkURL returns a fault if address is neither empty nor an absolute http or https URL.
func checkURL(flag, address string) error {
	u, err := url.Parse(address)
	if address == "" || err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
		return nil
	}
	return fmt.Errorf("--%s must be a URL like https://live.example (got %s)", flag, address)
}

// nodeSettings are what this process does in the cluster.
type nodeSettings struct {
	Roles         []string      `default:"api,realtime,media,projector" oneof:"api,realtime,media,projector" help:"Parts that this process runs: api serves REST, realtime serves WebSockets, media receives and sends streams, projector updates the tables."`
	PresenceGrace time.Duration `default:"30s" min:"100ms" max:"1h" help:"Time after the loss of a node until its viewers have left and its broadcasts have ended, unless they reconnect."`
}

// apiSettings are the settings of the REST API.
type apiSettings struct {
	TimeZone     string        `default:"Asia/Shanghai" help:"IANA time zone of created_time in API responses."`
	TokenLife    time.Duration `default:"720h" min:"1m" max:"87600h" help:"Time for which a sign-in token is valid."`
	SignLife     time.Duration `default:"100000s" min:"1m" max:"8760h" help:"Time for which a signed stream address is valid."`
	CoinsPerUnit int64         `default:"10" min:"1" max:"1000000" unit:"coins" help:"Coins credited for one currency unit of a top-up."`

	BodyBytes      int64         `default:"65536" min:"1024" max:"16777216" unit:"bytes" help:"Size of a JSON body."`
	BodyTimeout    time.Duration `default:"10s" min:"100ms" max:"10m" help:"Time until a JSON body has arrived."`
	UploadBytes    int64         `default:"5242880" min:"1024" max:"1073741824" unit:"bytes" help:"Size of an uploaded image."`
	UploadTimeout  time.Duration `default:"1m" min:"1s" max:"1h" help:"Time until an upload has arrived."`
	RequestTimeout time.Duration `default:"15s" min:"1s" max:"10m" help:"Time that a request may take, event streams and uploads excepted."`
	SettleTimeout  time.Duration `default:"2s" min:"1ms" max:"1m" help:"Time that an accepted command waits for the tables, so that the client reads what it wrote."`
	EventStreams   int           `default:"32" min:"1" max:"10000" help:"Open event streams (GET /api/events)."`

	SignInsPerAddress       int `default:"60" min:"1" max:"1000000" unit:"per minute" help:"Sign-ins from one address."`
	SignInsPerName          int `default:"10" min:"1" max:"1000000" unit:"per minute" help:"Sign-ins under one name."`
	RegistrationsPerAddress int `default:"20" min:"1" max:"1000000" unit:"per minute" help:"New accounts from one address."`
	WritesPerUser           int `default:"120" min:"1" max:"1000000" unit:"per minute" help:"Commands of one user over REST."`
	UploadsPerUser          int `default:"20" min:"1" max:"1000000" unit:"per minute" help:"Uploads of one user."`
	RoomsPerAddress         int `default:"10" min:"1" max:"1000000" unit:"per minute" help:"New chat rooms from one address."`
}

// CheckSettings checks the time zone.
func (s *apiSettings) CheckSettings() error {
	if _, err := api.Zone(s.TimeZone); err != nil {
		return fmt.Errorf("--time-zone must be an IANA time zone like Asia/Shanghai (got %s)", s.TimeZone)
	}
	return nil
}

// liveSettings are the settings of lives.
type liveSettings struct {
	MaxConnectionsPerUser int           `default:"10" min:"1" max:"10000" help:"WebSocket connections of one user."`
	MaxLivesPerConnection int           `default:"16" min:"1" max:"10000" help:"Lives that one connection may have joined."`
	ListedViewers         int           `default:"50" min:"1" max:"100" help:"Newest viewers of a live that Socket.IO clients get in a list."`
	LargeLive             int           `default:"50" min:"1" max:"1000000" help:"Viewers of a live above which joins and leaves are sent in batches."`
	JoinBatchInterval     time.Duration `default:"1s" min:"10ms" max:"1m" help:"Interval between two batches of joins and leaves."`
	CommentRate           float64       `default:"5" min:"0.1" max:"100000" unit:"comments/s" help:"Comments accepted from one user."`
	CommentBurst          int           `default:"20" min:"1" max:"1000000" unit:"comments" help:"Comments accepted at once from one user."`
	GiftRate              float64       `default:"20" min:"0.1" max:"100000" unit:"gifts/s" help:"Gifts accepted from one user."`
	GiftBurst             int           `default:"50" min:"1" max:"1000000" unit:"gifts" help:"Gifts accepted at once from one user: combos."`
}

// chatSettings are the settings of the chat.
type chatSettings struct {
	GuestChat    bool    `help:"Admit chat users without a password, by an e-mail address or under a name. An address is not verified."`
	MaxChatRooms int     `default:"200" min:"1" max:"100000" help:"Chat rooms that users may create in total; operators may create more."`
	MessageRate  float64 `default:"5" min:"0.1" max:"1000" unit:"messages/s" help:"Chat messages accepted from one user, or from one anonymous connection."`
	MessageBurst int     `default:"20" min:"1" max:"10000" unit:"messages" help:"Chat messages accepted at once."`
	TypingRate   float64 `default:"2" min:"0.1" max:"100" unit:"notes/s" help:"Typing notes accepted from one connection."`
}

// recordSettings is the folder of the recordings.
type recordSettings struct {
	Recordings string `placeholder:"DIR" help:"Folder of the recordings, used by one process alone. Default: recordings in the data folder."`
}

// logSettings are the settings of the database and its maintenance.
type logSettings struct {
	DatabaseConnections int32         `default:"16" min:"4" max:"10000" help:"Database connections for queries; the log uses a few more."`
	MaxLag              time.Duration `default:"1m" min:"100ms" max:"24h" help:"Age of the oldest event missing in the tables above which /readyz fails."`
	KeepOutcomes        time.Duration `default:"720h" min:"1s" max:"87600h" help:"Time for which outcomes of commands are kept for repeated requests. Outcomes that move coins are kept for ever."`
	CleanInterval       time.Duration `default:"1h" min:"10ms" max:"24h" help:"Interval between two deletions of expired rows."`
}
