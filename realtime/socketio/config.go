package socketio

import (
	"errors"
	"log/slog"
	"time"

	"roomlog/projections"
	"roomlog/realtime/chat"
	"roomlog/realtime/hub"
	"roomlog/realtime/socketio/engineio"
	"roomlog/realtime/socketio/protocol"
)

// The defaults of Config.
const (
	DefaultListed = 50 // people and sockets in a list
)

// Config is what the door needs and how it behaves. The first group has to be given; of everything else zero
// means the default.
type Config struct {
	Hub     *hub.Hub
	Chat    *chat.Chat
	Queries *projections.Queries
	Now     func() time.Time

	Log      *slog.Logger      // nil: silent
	Assets   string            // the folder that the client's script is served from; "": nowhere
	Engine   engineio.Config   // limits of the connections; Open, Now and Log are the door's
	Recovery protocol.Recovery // of lost sockets; Restore is the door's
	Guests   bool              // people may chat under a name without signing in
	Listed   int               // people and sockets that a list names: the newest
	Crowd    int               // people in a room above which lists are sent now and then only
	Interval time.Duration     // between two lists to a crowd
}

func (c *Config) check() error {
	if c.Hub == nil || c.Chat == nil || c.Queries == nil || c.Now == nil {
		return errors.New("socketio: Hub, Chat, Queries and Now are required")
	}
	return nil
}

func (c *Config) setDefaults() {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Listed == 0 {
		c.Listed = DefaultListed
	}
	c.Listed = min(c.Listed, rosterSize)
	if c.Crowd == 0 {
		c.Crowd = c.Hub.LargeLive()
	}
	if c.Interval == 0 {
		c.Interval = c.Hub.JoinBatchInterval()
	}
}
