package serve

import (
	"errors"
	"fmt"
	"time"

	"roomlog/api"
	"roomlog/api/token"
	"roomlog/eventstore"
	"roomlog/eventstore/ratelimit"
	"roomlog/internal/httpserver"
	"roomlog/internal/limit"
	"roomlog/media"
	"roomlog/media/broadcasts"
	"roomlog/media/hooks"
	"roomlog/media/record"
	"roomlog/realtime/chat"
	"roomlog/realtime/hub"
	"roomlog/realtime/socketio"
)

// The roles of a process.
const (
	roleAPI       = "api"
	roleRealtime  = "realtime"
	roleProjector = "projector"
	roleMedia     = "media"
)

// config is everything that can be set at the command line. A setting of a package is declared in the Config of that
// package; the structs in this file declare the settings of the parts that this package creates itself.
type config struct {
	networkSettings
	nodeSettings
	userSettings
	token.Settings
	media.SignSettings
	recordSettings
	logSettings

	api        api.Config
	hub        hub.Config
	chat       chat.Config
	socketio   socketio.Config // its nested ws.Config serves both dialects
	media      media.Config
	broadcasts broadcasts.Config
	hooks      hooks.Config
	archive    broadcasts.RecordingsConfig
	recorder   record.Config
	sequencer  eventstore.SequencerConfig
	limits     ratelimit.Config
}

// networkSettings are the addresses of this process and the limits of its HTTP connections.
type networkSettings struct {
	HTTPAddr       string   `default:":7001" help:"Address for REST and WebSocket; port 0 selects a free port."`
	RTMPAddr       string   `default:":23480" help:"Address for RTMP encoders and players; port 0 selects a free port."`
	FLVAddr        string   `default:":23481" help:"Address for HTTP-FLV, WS-FLV and HLS players; port 0 selects a free port."`
	PprofAddr      string   `placeholder:"ADDR" help:"Address for profiles of this process, like 127.0.0.1:6060. Default: no profiles."`
	TrustedProxies []string `default:"127.0.0.0/8,::1/128" help:"Networks of the proxies whose X-Forwarded-For header gives the client's address, for limits and logs."`
	MetricsFrom    []string `default:"127.0.0.0/8,::1/128" help:"Networks that may read /metrics; others get 404. Behind a trusted proxy the client's address counts."`
	CORSOrigins    []string `placeholder:"ORIGIN" help:"Browser origins that may call. Default: any, because no cookie grants access."`
	Assets         string   `placeholder:"DIR" help:"Folder with socket.io.js for browser pages; make assets fills one. Default: assets in the data folder."`

	MaxHTTPConnections       int           `default:"4000" min:"1" max:"1000000" help:"Open HTTP connections of this process without WebSockets."`
	MaxConnections           int           `default:"20000" min:"1" max:"10000000" help:"Open WebSocket connections of this process."`
	MaxConnectionsPerAddress int           `default:"1000" min:"1" max:"1000000" help:"Open connections from one address (IPv6: one /64 network). Mobile networks put many users behind one address."`
	DrainTimeout             time.Duration `default:"10s" min:"100ms" max:"10m" help:"Time that a stop waits for requests and connections before it closes them."`
	httpserver.Timeouts
}

// CheckSettings checks networks.
func (s *networkSettings) CheckSettings() error {
	var faults []error
	if _, err := limit.ParseProxies(s.TrustedProxies); err != nil {
		faults = append(faults, fmt.Errorf("--trusted-proxies: %w", err))
	}
	if _, err := limit.ParseProxies(s.MetricsFrom); err != nil {
		faults = append(faults, fmt.Errorf("--metrics-from: %w", err))
	}
	return errors.Join(faults...)
}

// nodeSettings select the parts that this process runs.
type nodeSettings struct {
	Roles []string `default:"api,realtime,media,projector" oneof:"api,realtime,media,projector" help:"Parts that this process runs: api serves REST, realtime serves WebSockets, media receives and sends streams, projector updates the tables."`
}

// userSettings are rules for users.
type userSettings struct {
	GuestChat bool `help:"Admit chat users without a password, by an e-mail address or under a name. An address is not verified."`
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
