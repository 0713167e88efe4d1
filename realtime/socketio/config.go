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

// requestTimeout is the maximum duration of the work for one event of a client. It is longer than the timeout of the
// sequencer.
const requestTimeout = 15 * time.Second

// Config configures a Server. The first group is required.
type Config struct {
	Hub     *hub.Hub
	Chat    *chat.Chat
	Queries *projections.Queries
	Now     func() time.Time

	Log       *slog.Logger      // nil: no log
	Assets    string            // folder with the client's script; "": the script is not served
	Engine    engineio.Config   // connections; the server sets Open, Now and Log
	Recovery  protocol.Recovery // recovery of lost sockets; the server sets Restore
	GuestChat bool              // clients may chat under a name without signing in

	ListedViewers int `default:"50" min:"1" max:"100" unit:"viewers" help:"Maximum number of viewers in the viewer list that Socket.IO clients receive, and of socket ids in it. The list contains the newest viewers."`
}

func (c *Config) check() error {
	if c.Hub == nil || c.Chat == nil || c.Queries == nil || c.Now == nil {
		return errors.New("socketio: Hub, Chat, Queries and Now are required")
	}
	return nil
}
