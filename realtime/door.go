package realtime

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
	"roomlog/realtime/ws"
)

// The defaults of Config.
const (
	DefaultMaxConnsPerUser = 10
	DefaultMaxRooms        = 16 // of one connection
	DefaultCommentRate     = 5  // a second
	DefaultCommentBurst    = 20
	DefaultGiftRate        = 20 // combos are many single gifts
	DefaultGiftBurst       = 50
	DefaultMessageRate     = 5
	DefaultMessageBurst    = 20
	DefaultTypingRate      = 2
	DefaultMaxChatRooms    = domain.DefaultMaxChatRooms
	DefaultRoomsPerAddress = 10
	DefaultGrace           = 30 * time.Second // for the viewers of a process that died to come back
	DefaultRenewal         = 3 * time.Second  // for a client that signed in again to say hello with its new token
)

const (
	commandTimeout = 15 * time.Second // beyond the patience of the sequencer: it answers before
	patience       = 5 * time.Second  // for tables that are behind
)

// Executor decides commands and makes what follows durable: the sequencer.
type Executor interface {
	Execute(ctx context.Context, r domain.Request) (eventstore.Receipt, error)
}

// Identity is who a token names.
type Identity struct {
	User    domain.UserID
	Session string
	Expires time.Time // zero: never
}

// Config is what the door needs and how it behaves. The first group has to be given; of everything else
// zero means the default.
type Config struct {
	Store    *eventstore.Store
	Commands Executor
	Queries  *projections.Queries
	Feed     *projections.Feed
	Verify   func(token string) (Identity, error) // refuses with a *domain.Refusal
	Now      func() time.Time

	Log     *slog.Logger // nil: silent
	Gate    *ws.Gate     // nil: lets every origin in, with the default limits
	Node    string       // names this process in the log; a random uuid by default
	Sockets ws.Config    // limits of the connections; Open, Skipped, Now, Log and Gate are the door's

	MaxConnsPerUser int
	MaxRooms        int           // that one connection is in
	CommentRate     float64       // comments a second of one person, in this process
	CommentBurst    int           // and at once
	GiftRate        float64       // gifts a second of one person, in this process
	GiftBurst       int           // and at once
	Crowd           int           // people in a room above which their coming and going is summed up; below 0: never
	CrowdInterval   time.Duration // between two sums, if nothing else happens
	MessageRate     float64       // messages a second in the chat, of one person, or of one connection without one
	MessageBurst    int           // and at once
	TypingRate      float64       // notes a second that a connection is typing
	MaxChatRooms    int           // that people may open
	RoomsPerAddress int           // that people may open a minute by going there, from one address
	Uploads         string        // how the addresses of uploaded files begin: "https://live.example/uploads/"; "": as the clients say
	Grace           time.Duration // from the death of a process until its viewers have left
	Renewal         time.Duration // from the end of a session until its connections are closed
}

func (c *Config) check() error {
	switch {
	case c.Store == nil || c.Commands == nil || c.Queries == nil || c.Feed == nil:
		return errors.New("realtime: Store, Commands, Queries and Feed are required")
	case c.Verify == nil || c.Now == nil:
		return errors.New("realtime: Verify and Now are required")
	}
	return nil
}

func (c *Config) setDefaults() {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Node == "" {
		c.Node = uuid.NewString()
	}
	c.MaxConnsPerUser = orDefault(c.MaxConnsPerUser, DefaultMaxConnsPerUser)
	c.MaxRooms = orDefault(c.MaxRooms, DefaultMaxRooms)
	c.CommentRate = orDefault(c.CommentRate, DefaultCommentRate)
	c.CommentBurst = orDefault(c.CommentBurst, DefaultCommentBurst)
	c.GiftRate = orDefault(c.GiftRate, DefaultGiftRate)
	c.GiftBurst = orDefault(c.GiftBurst, DefaultGiftBurst)
	c.Crowd = orDefault(c.Crowd, DefaultCrowd)
	c.CrowdInterval = orDefault(c.CrowdInterval, DefaultCrowdInterval)
	c.MessageRate = orDefault(c.MessageRate, DefaultMessageRate)
	c.MessageBurst = orDefault(c.MessageBurst, DefaultMessageBurst)
	c.TypingRate = orDefault(c.TypingRate, DefaultTypingRate)
	c.RoomsPerAddress = orDefault(c.RoomsPerAddress, DefaultRoomsPerAddress)
	c.MaxChatRooms = orDefault(c.MaxChatRooms, DefaultMaxChatRooms)
	c.Grace = orDefault(c.Grace, DefaultGrace)
	c.Renewal = orDefault(c.Renewal, DefaultRenewal)
}

// Door is the WebSocket door of one process, in the native dialect. It is an http.Handler.
type Door struct {
	cfg      Config
	epoch    string // the log's id
	log      *slog.Logger
	sockets  *ws.Server
	hub      *hub
	chat     *Chat
	presence *presence
	sentry   *sentry
	rates    *rates
	verbs    map[string]verb
}

// New makes a door. It works while Run runs.
func New(cfg Config) (*Door, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg.setDefaults()
	d := &Door{cfg: cfg, epoch: cfg.Store.ID(), log: cfg.Log, rates: newRates(cfg), verbs: byName(vocabulary())}
	sockets := cfg.Sockets
	sockets.Open, sockets.Skipped = d.open, skippedFrame
	sockets.Now, sockets.Log, sockets.Gate = cfg.Now, cfg.Log, cfg.Gate
	d.sockets = ws.NewServer(sockets)
	d.presence = newPresence(cfg.Commands, cfg.Node, cfg.Log)
	d.sentry = newSentry(d)
	d.chat = newChat(d)
	d.hub = newHub(d)
	return d, nil
}

// ServeHTTP upgrades a request to a connection of this door.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.sockets.ServeHTTP(w, r) }

// Stats are the counters of the connections.
func (d *Door) Stats() *ws.Stats { return d.sockets.Stats() }

// Rooms is the number of rooms that somebody here is in.
func (d *Door) Rooms() int {
	d.hub.mu.Lock()
	defer d.hub.mu.Unlock()
	return len(d.hub.rooms)
}

// Node names this process in the log.
func (d *Door) Node() string { return d.cfg.Node }

// Run keeps the rooms up to date, the viewers' presence true, and this process alive in the eyes of the
// others, until ctx ends. The feed has to run too. Shutdown comes before the end of ctx.
func (d *Door) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return d.sockets.Run(ctx) })
	g.Go(func() error { return d.hub.run(ctx) })
	g.Go(func() error { return d.presence.run(ctx) })
	g.Go(func() error { return d.sentry.run(ctx) })
	g.Go(func() error { return AnswerSurveys(ctx, d.cfg.Store, d.log, d.cfg.Node, d.list) })
	g.Go(func() error { return d.chat.inbox.run(ctx, d.chat.tell) })
	g.Go(func() error { return d.chat.murmur.run(ctx, d.chat.typed) })
	g.Go(func() error { return d.chat.leaves.run(ctx) })
	g.Go(func() error { return d.cfg.Store.Beat(ctx, d.cfg.Node) })
	g.Go(func() error { return newReaper(d.cfg, d.presence).run(ctx) })
	return g.Wait()
}

// Shutdown sends every client away with CloseRestart and a hint when to come back, and waits for them until
// ctx ends. Nobody leaves a room by it: whoever comes back within Grace, to whichever process, was never
// away; the others are noticed like those of a process that died.
func (d *Door) Shutdown(ctx context.Context) error {
	d.Drain()
	err := d.sockets.Shutdown(ctx)
	d.chat.Flush(ctx)
	return err
}

// open makes the session of a new connection.
func (d *Door) open(c *ws.Conn, _ *http.Request) ws.Peer {
	return &session{door: d, conn: c, rooms: make(map[domain.LiveID]*room)}
}

// CheckSession answers whether a caller's session is the person's newest and the account in order, as the tables
// know it. They may be behind the token, so a no is asked for again when they are where the log is now.
func (d *Door) CheckSession(ctx context.Context, c Identity) error {
	err := d.admitted(ctx, c)
	if domain.AsRefusal(err) == nil {
		return err
	}
	head, err := d.cfg.Store.Head(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := d.cfg.Feed.WaitFor(ctx, head); err != nil {
		return errBehind
	}
	return d.admitted(ctx, c)
}

func (d *Door) admitted(ctx context.Context, c Identity) error {
	user, err := d.cfg.Queries.User(ctx, c.User)
	switch {
	case errors.Is(err, projections.ErrNotFound) || err == nil && (user.Disabled || user.Forgotten):
		return refusal(domain.CodeUserUnavailable, "user %d does not exist or is disabled", c.User)
	case err == nil && user.Ban.Active(d.cfg.Now()):
		return refusal(domain.CodeBanned, "user %d is kept out", c.User)
	case err != nil:
		return err
	}
	session, err := d.cfg.Queries.Session(ctx, c.User)
	switch {
	case err != nil && !errors.Is(err, projections.ErrNotFound):
		return err
	case session != c.Session:
		return refusal(domain.CodeSessionEnded, "this session has ended: sign in again")
	}
	return nil
}

// orDefault returns value, or fallback when value is zero.
func orDefault[T int | float64 | time.Duration](value, fallback T) T {
	if value == 0 {
		return fallback
	}
	return value
}
