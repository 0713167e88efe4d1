package chat

import (
	"errors"
	"log/slog"
	"time"

	"roomlog/eventstore"
	"roomlog/eventstore/cluster"
	"roomlog/internal/settings"
	"roomlog/projections"
	"roomlog/realtime/hub"
)

// Config contains the dependencies and settings of a chat. The fields of the first group are required.
type Config struct {
	Hub            *hub.Hub
	Store          *eventstore.Store
	Commands       hub.Executor // executes the commands of the node itself: the sequencer
	ClientCommands hub.Executor // executes the commands of clients within their rates
	Queries        *projections.Queries
	Cluster        *cluster.Cluster
	Now            func() time.Time

	Log *slog.Logger // receives the messages of the program; nil: none
	// UploadURL begins the URLs of uploaded files, like https://live.example/uploads/. If it is "", messages may
	// contain URLs of uploads on any host.
	UploadURL string

	MessageRate          float64 `default:"5" min:"0.001" max:"1000000" unit:"messages/s" help:"Maximum rate of chat messages of one user, or of one anonymous connection."`
	MessageBurst         int     `default:"20" min:"1" max:"1000000" unit:"messages" help:"Number of chat messages that one user may send at once, before the rate applies."`
	NamespaceMessageRate float64 `default:"10" min:"0.001" max:"1000" unit:"messages/s" help:"Maximum rate of chat messages to everybody in a namespace, from all Socket.IO clients of this node together; clients with one address may send half of it. Each of these messages is written to every client in the namespace."`
	TypingRate           float64 `default:"2" min:"0.001" max:"1000" unit:"notes/s" help:"Maximum rate of typing notes of one connection that other participants receive."`
	ChatRooms            int     // maximum number of chat rooms that users may create in total; 0: no limit
}

func (c *Config) prepare() error {
	if c.Hub == nil || c.Store == nil || c.Commands == nil || c.ClientCommands == nil || c.Queries == nil || c.Cluster == nil || c.Now == nil {
		return errors.New("chat: Hub, Store, Commands, ClientCommands, Queries, Cluster and Now are required")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	settings.Defaults(c)
	return settings.Check(c)
}
