package serve

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"roomlog/api"
	"roomlog/api/token"
	"roomlog/api/webhooks"
	"roomlog/cmd/roomlog/cli"
	"roomlog/eventstore"
	"roomlog/eventstore/ratelimit"
	"roomlog/eventstore/transparency"
	"roomlog/internal/certificate"
	"roomlog/internal/httpserver"
	"roomlog/internal/limit"
	"roomlog/internal/natsconn"
	"roomlog/internal/settings"
	"roomlog/internal/tracing"
	"roomlog/media"
	"roomlog/media/broadcasts"
	"roomlog/media/hooks"
	"roomlog/media/record"
	"roomlog/media/relay"
	"roomlog/media/restream"
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

// config contains everything that can be set on the command line. The settings of a package are declared in the Config
// of that package. The structs in this file declare the settings of the parts that this package creates.
type config struct {
	networkSettings
	nodeSettings
	userSettings
	token.Settings
	media.SignSettings
	recordSettings
	relaySettings
	logSettings
	certificate certificate.Settings
	chatRoomSettings
	uploadSettings
	transparency.WitnessSettings

	nats       natsconn.Settings
	traces     tracing.Settings
	api        api.Config
	hub        hub.Config
	chat       chat.Config
	socketio   socketio.Config // its nested ws.Config is used for both dialects
	media      media.Config
	broadcasts broadcasts.Config
	hooks      hooks.Config
	webhooks   webhooks.Settings
	archive    broadcasts.RecordingsConfig
	restream   restream.Config
	recorder   record.Config
	sequencer  eventstore.SequencerConfig
	limits     ratelimit.Config
}

// networkSettings contains the addresses of this process and the limits of its HTTP connections.
type networkSettings struct {
	HTTPAddr       string   `default:":7001" help:"Address for REST and WebSocket; port 0 selects a free port."`
	HTTPSAddr      string   `placeholder:"ADDR" help:"Address for REST and WebSocket over TLS, with HTTP/2, and for FLV and HLS players, like :443. Needs --tls-cert or --acme-domains. Default: no HTTPS."`
	HTTPRedirect   bool     `help:"Redirect requests on --http-addr to HTTPS, except those of /healthz, /readyz, /metrics and of ACME servers. Default: off."`
	RTMPAddr       string   `default:":23480" help:"Address for RTMP encoders and players; port 0 selects a free port."`
	RTMPSAddr      string   `placeholder:"ADDR" help:"Address for RTMP over TLS, like :443 of another host or :1936. Needs --tls-cert or --acme-domains. Default: no RTMPS."`
	FLVAddr        string   `default:":23481" help:"Address for HTTP-FLV, WS-FLV and HLS players; port 0 selects a free port."`
	PprofAddr      string   `placeholder:"ADDR" help:"Address that serves Go profiles of this process (net/http/pprof), like 127.0.0.1:6060. Default: no profiles."`
	TrustedProxies []string `default:"127.0.0.0/8,::1/128" help:"Networks of trusted proxies. The X-Forwarded-For header of a trusted proxy gives the address of the client for limits and logs."`
	MetricsFrom    []string `default:"127.0.0.0/8,::1/128" help:"Networks from which clients may read /metrics; other clients get 404. Behind a trusted proxy the client's address counts."`
	CORSOrigins    []string `placeholder:"ORIGIN" help:"Origins of browser pages that may call REST and connect WebSockets, like https://live.example. Default: every origin, because no cookie grants access."`
	Assets         string   `placeholder:"DIR" help:"Folder with socket.io.js for browser pages; make assets fills one. Default: assets in the data folder."`

	MaxHTTPConnections       int           `default:"4000" min:"1" max:"1000000" unit:"connections" help:"Maximum number of open HTTP connections of this process, on all its ports. WebSocket connections and FLV players do not count. Over HTTP/2, each further request that runs at the same time on a connection counts like a connection."`
	MaxConnections           int           `default:"20000" min:"1" max:"10000000" unit:"connections" help:"Maximum number of open WebSocket connections of this process."`
	MaxConnectionsPerAddress int           `default:"1000" min:"1" max:"1000000" unit:"connections" help:"Maximum number of open HTTP connections, and of open WebSocket connections, from one address (IPv6: one /64 network). Mobile networks put many users behind one address."`
	DrainTimeout             time.Duration `default:"10s" min:"100ms" max:"10m" help:"Time for which a stopping server waits for running requests and open connections before it closes them."`
	httpserver.Timeouts
}

// CheckSettings checks addresses, networks and origins.
func (s *networkSettings) CheckSettings() error {
	var faults []error
	for _, one := range s.addresses() {
		if !settings.IsListenAddress(one.value) {
			faults = append(faults, fmt.Errorf("--%s must be an address with a port number, like :7001 or 127.0.0.1:7001 (got %q)", one.flag, one.value))
		}
	}
	if _, err := limit.ParseProxies(s.TrustedProxies); err != nil {
		faults = append(faults, fmt.Errorf("--trusted-proxies: %w", err))
	}
	if _, err := limit.ParseProxies(s.MetricsFrom); err != nil {
		faults = append(faults, fmt.Errorf("--metrics-from: %w", err))
	}
	for _, origin := range s.CORSOrigins {
		if !settings.IsOrigin(origin) {
			faults = append(faults, fmt.Errorf("--cors-origins must contain origins like https://live.example, without a path (got %q)", origin))
		}
	}
	if s.Assets != "" && !settings.IsFolder(s.Assets) {
		faults = append(faults, fmt.Errorf("--assets must be a folder (got %q)", s.Assets))
	}
	return errors.Join(faults...)
}

// listenAddress is the value of a flag for a listen address.
type listenAddress struct{ flag, value string }

// addresses returns the addresses that are set.
func (s *networkSettings) addresses() []listenAddress {
	all := []listenAddress{{"http-addr", s.HTTPAddr}, {"https-addr", s.HTTPSAddr}, {"rtmp-addr", s.RTMPAddr}, {"rtmps-addr", s.RTMPSAddr}, {"flv-addr", s.FLVAddr}, {"pprof-addr", s.PprofAddr}}
	return slices.DeleteFunc(all, func(a listenAddress) bool { return a.value == "" })
}

// nodeSettings selects the parts that this process runs.
type nodeSettings struct {
	Roles          []string `default:"api,realtime,media,projector" oneof:"api,realtime,media,projector" help:"Parts that this process runs: api serves REST, realtime serves WebSockets, media receives and sends streams, projector updates the tables."`
	ReplaceSecrets bool     `help:"Start with secrets that the other servers on this database do not have, because the old ones are lost. Set it for one start only: tokens and signs of the old secrets become invalid. Default: the server does not start."`
}

// userSettings are rules for users.
type userSettings struct {
	GuestChat bool `help:"Let users chat without a password, under a name or with an e-mail address that is not verified. Default: off."`
}

// recordSettings contains the folder of the recordings.
type recordSettings struct {
	Recordings string `placeholder:"DIR" help:"Folder of the recordings, used by one process alone. Default: recordings in the data folder."`
}

// CheckSettings returns an error if the path of the recordings is no folder and none can be made there.
func (s *recordSettings) CheckSettings() error {
	if s.Recordings != "" && !settings.IsFolder(s.Recordings) {
		return fmt.Errorf("--recordings must be a folder, or a path where one can be made (got %q)", s.Recordings)
	}
	return nil
}

// logSettings are the settings of the database and its maintenance.
type logSettings struct {
	DatabaseConnections int32         `default:"16" min:"4" max:"10000" unit:"connections" help:"Maximum number of database connections for queries. The log uses a few more."`
	MaxLag              time.Duration `default:"1m" min:"100ms" max:"24h" help:"Maximum delay of the tables. While an event that is older has not been applied to the tables, /readyz fails."`
	KeepOutcomes        time.Duration `default:"720h" min:"1s" max:"87600h" help:"Time for which a request repeated with the same idempotency key gets the first outcome. Outcomes that move coins are kept for ever."`
	CleanInterval       time.Duration `default:"1h" min:"10ms" max:"24h" help:"Interval between two deletions of expired rows of the database."`
}

// relaySettings contains the addresses by which nodes reach each other.
type relaySettings struct {
	MediaInternalURL  string `placeholder:"URL" help:"URL under which other nodes fetch the streams and recordings of this node, like https://node1.internal:23482. Default: http:// and --media-internal-addr, if that has an IP address; otherwise this node serves no other nodes, and its streams play at this node alone."`
	MediaInternalAddr string `placeholder:"ADDR" help:"Address for requests of other nodes alone, like 10.0.0.5:23482. It speaks TLS if --media-internal-url begins with https://. Default: with --media-internal-url, the addresses for players serve other nodes, too."`
	MediaInternalCA   string `placeholder:"FILE" help:"File with the root certificates, in PEM, that check the certificates of other nodes. Default: those of the system."`
	relay.Settings
}

// CheckSettings checks the addresses and reads the file with certificates.
func (s *relaySettings) CheckSettings() error {
	var faults []error
	if u, err := url.Parse(s.MediaInternalURL); s.MediaInternalURL != "" && (err != nil || !settings.IsHTTPURL(s.MediaInternalURL) || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "") {
		faults = append(faults, fmt.Errorf("--media-internal-url must be a URL like https://node1.internal:23482, without a path (got %q)", s.MediaInternalURL))
	}
	switch {
	case s.MediaInternalAddr == "":
	case !settings.IsListenAddress(s.MediaInternalAddr):
		faults = append(faults, fmt.Errorf("--media-internal-addr must be an address with a port number, like 10.0.0.5:23482 (got %q)", s.MediaInternalAddr))
	case s.MediaInternalURL == "" && !hasIP(s.MediaInternalAddr):
		faults = append(faults, fmt.Errorf("--media-internal-addr needs an IP address like 10.0.0.5:23482, or --media-internal-url (got %q)", s.MediaInternalAddr))
	}
	if _, err := s.roots(); err != nil {
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// hasIP reports whether a listen address contains an address that other nodes can use.
func hasIP(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && !ip.IsUnspecified()
}

// roots returns the root certificates that check other nodes; nil means those of the system.
func (s *relaySettings) roots() (*x509.CertPool, error) {
	if s.MediaInternalCA == "" {
		return nil, nil //nolint:nilnil // nil means the roots of the system
	}
	text, err := cli.ReadSmallFile(s.MediaInternalCA)
	if err != nil {
		return nil, fmt.Errorf("--media-internal-ca: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(text)) {
		return nil, fmt.Errorf("--media-internal-ca: %s contains no certificate in PEM", s.MediaInternalCA)
	}
	return roots, nil
}

// internalTLS reports whether the listener for other nodes speaks TLS.
func (s *relaySettings) internalTLS() bool {
	return s.MediaInternalAddr != "" && strings.HasPrefix(strings.ToLower(s.MediaInternalURL), "https://")
}
