package media

import (
	"crypto/rand"
	"net/url"

	"roomlog/media/rtmp"
)

// Protocol is the protocol over which a client publishes or plays.
type Protocol string

// The protocols of a Server.
const (
	RTMP     Protocol = "rtmp"
	HTTPFLV  Protocol = "http-flv"
	WSFLV    Protocol = "ws-flv"
	HLS      Protocol = "hls"
	Internal Protocol = "internal" // a player in this process, such as a recorder
	Relay    Protocol = "relay"    // another node, which relays the stream to its own players
)

// App is the RTMP app, and the first path segment of the URL of every stream: /live/KEY.
const App = "live"

// Client describes the other end of a connection. Args and Fields contain what the client sent, including its sign.
// They are for authorizers and observers and must not be shown to other users.
type Client struct {
	ID       string // id of the connection, assigned by the server; it grants no rights
	Address  string // remote host and port, or the address that Config.Address returns
	Protocol Protocol
	User     int64          // the user that the sign of a player names; 0: none
	Args     url.Values     // query of the URL or of the stream name
	Fields   map[string]any // command object of the RTMP connect command
}

// isViewer reports whether a player counts as a viewer. A recorder, the segmenter of HLS and another node do not.
func (c Client) isViewer() bool { return c.Protocol != Internal && c.Protocol != Relay }

// newID returns a random id of 16 characters.
func newID() string { return rand.Text()[:16] }

// ValidKey reports whether key is a well-formed stream key: [A-Za-z0-9_-]{1,64}.
func ValidKey(key string) bool { return rtmp.ValidName(key) }
