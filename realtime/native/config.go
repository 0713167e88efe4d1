package native

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/settings"
	"roomlog/projections"
	"roomlog/projections/delivery"
	"roomlog/projections/feed"
	"roomlog/realtime/chat"
	"roomlog/realtime/hub"
	"roomlog/realtime/ws"
)

// Config contains the dependencies and settings of a server. The fields of the first group are required.
type Config struct {
	Hub     *hub.Hub
	Chat    *chat.Chat
	Store   *eventstore.Store
	Queries *projections.Queries
	Feed    *feed.Feed
	Now     func() time.Time

	// EnterCommand checks the password or takes the invitation with which a user enters a live, and returns the command. It counts
	// the request against the limits of sign-ins, which REST clients share. limit.WithAddress has added the address of the client
	// to ctx. nil: nobody can enter.
	EnterCommand func(ctx context.Context, user domain.UserID, live domain.LiveID, password, invitation string) (domain.Command, error)

	Deliveries *delivery.Recorder // counts the pushes of gifts; nil: they are not counted

	Log     *slog.Logger // receives the messages of the program; nil: none
	Sockets ws.Config    // settings of the connections; the server sets Open, Skipped, Now and Log

	// SnapshotAge is the maximum age of a snapshot that sessions share. It bounds how long a change that is no fact of the live
	// can be missing, for example a gift that the tables have applied later.
	SnapshotAge time.Duration `default:"1s" min:"1ms" max:"1h"`
}

func (c *Config) prepare() error {
	if c.Hub == nil || c.Chat == nil || c.Store == nil || c.Queries == nil || c.Feed == nil || c.Now == nil {
		return errors.New("native: Hub, Chat, Store, Queries, Feed and Now are required")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	settings.Defaults(c)
	return nil
}

// services contains the dependencies that all connections of a server share.
type services struct {
	Config
	channels *channels
}

// epoch returns the id of the history of the log for clients. Different nodes may have different ids for the same
// history, so a client compares an epoch only with another epoch of the same connection.
func (s *services) epoch() string {
	h := s.Store.History()
	if h.Number <= 1 {
		return s.Store.ID()
	}
	return s.Store.ID() + "-" + hex.EncodeToString(h.LostID[12:])
}
