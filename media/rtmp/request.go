package rtmp

import (
	"net/url"

	"roomlog/media/amf"
)

// Connect is the connect command of a client.
type Connect struct {
	App    string     // as sent, including a query
	Fields amf.Object // all fields of the command object
}

// Request is the publish or play command of a client.
type Request struct {
	Publish bool // true: publish; false: play
	App     string
	Name    string
	Args    url.Values // of the queries in app and name
}
