package chat

import (
	"cmp"
	"errors"
	"log/slog"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
	"roomlog/realtime/hub"
)

// The defaults of Config.
const (
	DefaultMessageRate     = 5
	DefaultMessageBurst    = 20
	DefaultTypingRate      = 2
	DefaultMaxChatRooms    = domain.DefaultMaxChatRooms
	DefaultRoomsPerAddress = 10
)

// Config holds the dependencies and settings of a chat. The first group is required.
type Config struct {
	Hub      *hub.Hub
	Store    *eventstore.Store
	Commands hub.Executor
	Queries  *projections.Queries
	Now      func() time.Time

	Log *slog.Logger // nil: no logs

	MessageRate     float64 // messages per second of one user, or of one anonymous connection
	MessageBurst    int     // messages at once
	TypingRate      float64 // typing notes per second of one connection
	MaxChatRooms    int     // rooms that users may open
	RoomsPerAddress int     // rooms per minute that users may open by joining them, from one address
	Uploads         string  // prefix of the URLs of uploaded files: "https://live.example/uploads/"; "": any host
}

func (c *Config) check() error {
	if c.Hub == nil || c.Store == nil || c.Commands == nil || c.Queries == nil || c.Now == nil {
		return errors.New("chat: Hub, Store, Commands, Queries and Now are required")
	}
	return nil
}

func (c *Config) setDefaults() {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.MessageRate = cmp.Or(c.MessageRate, DefaultMessageRate)
	c.MessageBurst = cmp.Or(c.MessageBurst, DefaultMessageBurst)
	c.TypingRate = cmp.Or(c.TypingRate, DefaultTypingRate)
	c.RoomsPerAddress = cmp.Or(c.RoomsPerAddress, DefaultRoomsPerAddress)
	c.MaxChatRooms = cmp.Or(c.MaxChatRooms, DefaultMaxChatRooms)
}
