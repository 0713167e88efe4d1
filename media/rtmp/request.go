package rtmp

import (
	"net/url"

	"roomlog/media/amf"
)

// Connect is the connect command of a client.
type Connect struct {
	App    string     // app as the client sent it, including a query
	Fields amf.Object // all fields of the command object
}

// Request is the publish or play command of a client.
type Request struct {
	Publish bool   // whether the client publishes, not plays
	App     string // "" if the client names no app
	Name    string
	Args    url.Values // arguments of the queries in app and name
}

func (r Request) path() string {
	if r.App == "" {
		return "/" + r.Name
	}
	return "/" + r.App + "/" + r.Name
}
