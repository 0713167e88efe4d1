package media

import (
	"crypto/rand"
	"net/url"

	"roomlog/media/rtmp"
)

// Protocol is how a client speaks.
type Protocol string

// The protocols that a Server speaks.
const (
	RTMP    Protocol = "rtmp"
	HTTPFLV Protocol = "http-flv"
	WSFLV   Protocol = "ws-flv"
	HLS     Protocol = "hls"
	// Inside is who watches without a connection, such as a recorder.
	Internal Protocol = "inside"
)

// App is the one name before the key in every path.
const App = "live"

// Client is who is at the other end. Args and Fields are what it sent, a sign among it: they are for gates
// and observers, not for lists that others read.
type Client struct {
	ID       string // of this connection, made here; it opens nothing
	Address  string // host and port, or what the HTTP request was said to come from
	Protocol Protocol
	Args     url.Values     // of the query
	Fields   map[string]any // of an RTMP connect
}

// newID is an id that nobody guesses.
func newID() string { return rand.Text()[:16] }

// ValidKey says whether key can be the key of a stream: [A-Za-z0-9_-]{1,64}.
func ValidKey(key string) bool { return rtmp.ValidName(key) }
