package socketio

import (
	"errors"
	"log/slog"
	"time"

	"roomlog/eventstore/cluster"
	"roomlog/projections"
	"roomlog/realtime/chat"
	"roomlog/realtime/hub"
	"roomlog/realtime/socketio/engineio"
	"roomlog/realtime/socketio/protocol"
)

// requestTimeout is the maximum time for handling one event of a client. It is longer than the timeout of the
// sequencer.
const requestTimeout = 15 * time.Second

// Config configures a Server. The fields of the first group are required.
type Config struct {
	Hub     *hub.Hub
	Chat    *chat.Chat
	Queries *projections.Queries
	Cluster *cluster.Cluster
	Now     func() time.Time

	Log       *slog.Logger      // nil: no log messages
	Assets    string            // folder with the client's script; "": the server has no script
	Engine    engineio.Config   // settings of connections; the server sets Open, Now and Log
	Recovery  protocol.Recovery // settings for the recovery of lost sockets; the server sets Restore
	GuestChat bool              // whether clients may chat under a nickname without signing in

	ListedViewers int `default:"50" min:"1" max:"100" unit:"viewers" help:"Maximum number of viewers in the viewer list that Socket.IO clients receive, and of socket ids in it. The list contains the newest viewers."`
}

func (c *Config) check() error {
	if c.Hub == nil || c.Chat == nil || c.Queries == nil || c.Cluster == nil || c.Now == nil {
		return errors.New("socketio: Hub, Chat, Queries, Cluster and Now are required")
	}
	return nil
}
