package broadcasts

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/cluster"
	"roomlog/internal/settings"
	"roomlog/internal/tracing"
	"roomlog/media"
	"roomlog/projections"
	"roomlog/projections/feed"
)

// Executor decides commands and appends the resulting events to the log. *eventstore.Sequencer implements it.
type Executor interface {
	Execute(ctx context.Context, r domain.Request) (eventstore.Receipt, error)
}

// OwnerChecker finds a live by its stream key and checks whether its owner may broadcast. *projections.Admission
// implements it.
type OwnerChecker interface {
	CheckOwner(ctx context.Context, streamKey string) (projections.Live, error)
}

// Server is the media server of a Manager. *media.Server implements it.
type Server interface {
	Cut(key string, reason media.Reason)
	CutUser(key string, user int64)
	CutAnonymous(key string, keep func(media.Client) bool)
	Restrict(key string, restricted bool)
	Keys() []string
	Viewers(key string) []media.Client
	CutPublisher(key string, reason media.Reason, match func(media.Client) bool)
	Kick(id string) bool
	KeyOf(id string) (key string, found bool)
	Snapshot() media.Snapshot
	Players(key string) []media.PlaySession
}

// Relays relays streams of other nodes. *relay.Puller implements it.
type Relays interface {
	Moved(key string)
	Lost(key, broadcast string)
	Ended(key, broadcast string)
}

// RestreamTargets reads the restream targets of lives. *Restreams implements it.
type RestreamTargets interface {
	Changed(live domain.LiveID)
	AllChanged()
}

// noRestreams are the RestreamTargets of a node that pushes no broadcasts on.
type noRestreams struct{}

func (noRestreams) Changed(domain.LiveID) {}
func (noRestreams) AllChanged()           {}

// Config configures a Manager. The fields of the first group and LostNodeGrace are required.
type Config struct {
	Store    *eventstore.Store
	Commands Executor
	Queries  *projections.Queries
	Owners   OwnerChecker
	Feed     *feed.Feed
	Cluster  *cluster.Cluster
	Signer   *media.Signer
	Now      func() time.Time

	// Log is the logger; nil disables logging.
	Log *slog.Logger
	// Tracer records the beginnings and ends of broadcasts; nil: nothing is recorded.
	Tracer *tracing.Tracer
	// OnChange is called when the beginning or end of a broadcast is in the log: once for its beginning and once for
	// its end, in order, and not at all if the log has refused the beginning. nil means no call.
	OnChange func(ctx context.Context, c Change)
	// Relays is notified of broadcasts at other nodes; nil means that this node relays no streams.
	Relays Relays
	// Restreams is notified of changes of the restream targets of lives; nil means that this node pushes no
	// broadcasts on.
	Restreams RestreamTargets
	// Service identifies this service: connections that push its own broadcasts on are refused. "" means that none are.
	Service string
	// LostNodeGrace is the time after which the broadcasts of a missing node are ended. A node may be missing only
	// because it has lost the database for a moment.
	LostNodeGrace time.Duration

	Players  PlayersMode `default:"anyone" oneof:"anyone,signed_in" help:"Who may play streams and recordings. anyone: every client with a sign. signed_in: clients whose sign names a user; GET /api/live/read/{id} returns such a sign to clients that send a token."`
	AutoLive bool        `help:"Put a live on air when its first broadcast begins. A live that the streamer has paused stays paused. Default: the streamer puts the live on air by a request."`
	// KickCooldown is the time for which publishers of a kicked live are refused, because encoders reconnect within
	// seconds.
	KickCooldown time.Duration `default:"1m"`
}

// PlayersMode selects the clients that may play.
type PlayersMode string

// The modes.
const (
	PlayersAnyone   PlayersMode = "anyone"    // every client with a valid sign
	PlayersSignedIn PlayersMode = "signed_in" // clients whose sign names a user, and owners
)

// Change is the beginning or end of a broadcast, as recorded in the log.
type Change struct {
	Broadcast media.Broadcast
	Reason    media.Reason // reason of the end; "" for a beginning
	Live      domain.LiveID
	Position  int64 // position of the event; 0 if another node has recorded the end and this node has not received it yet
}

func (c Config) withDefaults() (Config, error) {
	switch {
	case c.Store == nil || c.Commands == nil || c.Queries == nil || c.Owners == nil || c.Feed == nil:
		return c, errors.New("broadcasts: Store, Commands, Queries, Owners and Feed of Config are required")
	case c.Cluster == nil || c.Signer == nil || c.Now == nil || c.LostNodeGrace <= 0:
		return c, errors.New("broadcasts: Cluster, Signer, Now and LostNodeGrace of Config are required")
	}
	settings.Defaults(&c)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Restreams == nil {
		c.Restreams = noRestreams{}
	}
	if c.OnChange == nil {
		c.OnChange = func(context.Context, Change) {}
	}
	return c, nil
}

// serverRef holds the server of a Manager. Attach sets it before the server runs.
type serverRef struct{ Server }
