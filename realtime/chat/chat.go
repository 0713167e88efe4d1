package chat

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"roomlog/domain"
	"roomlog/internal/limit"
	"roomlog/internal/wait"
	"roomlog/projections"
	"roomlog/realtime/hub"
)

const (
	maxConnectionID = 64              // maximum length of the id of a connection in bytes
	deliveryTimeout = 5 * time.Second // maximum wait for updates to be delivered
)

// Chat serves the chat on one node. It receives deltas as a follower of the hub. It is safe for concurrent use.
type Chat struct {
	cfg     Config
	hub     *hub.Hub
	state   *state
	inbox   *inbox
	changes chan struct{} // contains an element if restart has not handled the newest change of the history
	typing  *typingBatcher
	leaves  *leaveQueue
	byUser  *limit.Rates[domain.UserID] // limits the messages of each user
	toAll   *limit.Bucket               // limits the messages to namespaces
	byHost  *limit.Rates[string]        // limits the messages of each address to namespaces
}

// New creates the chat of a node and adds it to the hub. The cluster must be started after New and must run as long as
// the chat.
func New(cfg Config) (*Chat, error) {
	if err := cfg.prepare(); err != nil {
		return nil, err
	}
	leaves := newLeaveQueue(cfg.Commands, cfg.Log, cfg.Now)
	c := &Chat{
		cfg: cfg, hub: cfg.Hub, leaves: leaves, state: newState(cfg.Cluster.Node(), cfg.Store.LookalikeKey, leaves),
		inbox: newInbox(), changes: make(chan struct{}, 1), typing: newTypingBatcher(cfg.Cluster, cfg.Log),
		byUser: newUserMessages(cfg), toAll: newNamespaceMessages(cfg), byHost: newAddressMessages(cfg),
	}
	leaves.nameKeyOf = c.state.nameKeyOf
	cfg.Cluster.OnNodeLost(participantCleanup(cfg))
	cfg.Hub.AddFollower(c)
	return c, nil
}

// Run delivers the deltas that the hub queued, sends typing notes and executes queued leaves until ctx ends.
func (c *Chat) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.inbox.run(ctx, c.state.apply) })
	g.Go(func() error { return c.typing.run(ctx, c.state.deliverTyping) })
	g.Go(func() error { return c.leaves.run(ctx) })
	g.Go(func() error { return c.restart(ctx) })
	return g.Wait()
}

// Load reads the roster from the tables, as of position or a later position.
func (c *Chat) Load(ctx context.Context, position int64) error {
	c.inbox.clear() // the queued deltas are included in the new roster, or belong to a former history of the log
	if err := c.state.load(ctx, c.cfg.Queries, position); err != nil {
		return err
	}
	c.inbox.startFrom(position)
	return nil
}

// Deliver queues the next deltas of the hub, which are complete up to position. It does not block.
func (c *Chat) Deliver(position int64, deltas ...projections.Delta) {
	deltas = slices.DeleteFunc(deltas, func(d projections.Delta) bool { return !d.Chat() && d.Kind != projections.KindProfile })
	c.inbox.add(position, deltas...)
}

// HistoryChanged makes all chat sessions continue after position in a new history of the log. The roster of that
// history is already loaded.
func (c *Chat) HistoryChanged(_, position int64) {
	c.state.historyChanged(position)
	select {
	case c.changes <- struct{}{}:
	default:
	}
}

// restart runs until ctx ends. After each change of the history of the log, it waits until the roster contains the
// whole log, and then makes all chat sessions start again.
func (c *Chat) restart(ctx context.Context) error {
	backoff := wait.Backoff{Min: leaveRetry}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.changes:
		}
		for backoff.Reset(); ctx.Err() == nil; backoff.Wait(ctx) {
			err := c.waitForHead(ctx)
			if err == nil {
				c.state.restartAll()
				break
			}
			if ctx.Err() == nil {
				c.cfg.Log.WarnContext(ctx, "restart of chat sessions failed, retrying", slog.Any("error", err))
			}
		}
	}
}

// waitForHead blocks until all updates of the events that are in the log now have been delivered.
func (c *Chat) waitForHead(ctx context.Context) error {
	head, err := c.cfg.Store.Head(ctx)
	if err != nil {
		return err
	}
	return c.WaitFor(ctx, head)
}

// Reset disconnects all connections with a chat session, because deltas were missed.
func (c *Chat) Reset() { c.state.reset() }

// Flush blocks until the log contains the leaves of all chat sessions that have ended, or until ctx ends.
func (c *Chat) Flush(ctx context.Context) { c.leaves.flush(ctx) }

// WaitFor blocks until every update up to position has been delivered to the chat sessions. It returns
// projections.ErrBehind after 5 seconds.
func (c *Chat) WaitFor(ctx context.Context, position int64) error {
	ctx, cancel := context.WithTimeout(ctx, deliveryTimeout)
	defer cancel()
	if err := c.hub.WaitFor(ctx, position); err != nil {
		return err
	}
	if !c.inbox.await(ctx, position) {
		return projections.ErrBehind
	}
	return nil
}

// OnExchange sets the function that receives the messages of Session.Exchange of all nodes. Call it before the hub runs.
// The function must not block and must not call the chat.
func (c *Chat) OnExchange(deliver func(*Update)) { c.state.exchange = deliver }

// NewLimits returns the rate limits of a new client.
func (c *Chat) NewLimits() *Limits { return newLimits(c.cfg) }

// NameKey returns the keyed hash of the name of a chat room, by which the tables find the chat room.
func (c *Chat) NameKey(name string) string { return c.cfg.Store.NameKey(name) }

// Online returns the number of connections in a chat room.
func (c *Chat) Online(room domain.ChatRoomID) int {
	c.state.mu.Lock()
	defer c.state.mu.Unlock()
	return len(c.state.roster.rooms[room])
}

// Room returns the chat room with an id or a name, or a *domain.Refusal.
func (c *Chat) Room(ctx context.Context, ref string) (projections.ChatRoom, error) {
	q := c.cfg.Queries
	var room projections.ChatRoom
	var err error
	if domain.IsChatRoomID(ref) {
		room, err = q.ChatRoom(ctx, domain.ChatRoomID(ref))
	} else {
		room, err = q.ChatRoomByName(ctx, c.NameKey(ref))
	}
	if errors.Is(err, projections.ErrNotFound) {
		return room, &domain.Refusal{Code: domain.CodeChatRoomNotFound, Text: "the chat room does not exist"}
	}
	return room, err
}

// Author returns the author of a stored message, and reports whether the author is in the chat now.
func (c *Chat) Author(m projections.Message) (author Participant, present bool) {
	by := Participant{ID: m.Participant, Connection: m.Connection, User: m.User, Nickname: m.Nickname}
	by.User.CreatedAt = m.CreatedAt
	c.state.mu.Lock()
	defer c.state.mu.Unlock()
	return c.state.roster.author(by)
}

// FindByName returns a participant whose name is name or looks like it, and the number of people with such a name. If
// there are several people, nobody can be addressed by the name.
func (c *Chat) FindByName(name string) (found Participant, people int) {
	c.state.mu.Lock()
	defer c.state.mu.Unlock()
	return c.state.roster.named(c.cfg.Store.LookalikeKey(name))
}

// FindByConnection returns the participant of a connection to any node, or 0 if the connection is not in the chat. If
// the chat session of a connection to this node is about to enter, it waits for that.
func (c *Chat) FindByConnection(ctx context.Context, connection string) (domain.ParticipantID, error) {
	id, one, entering := c.state.find(connection)
	switch {
	case id != 0:
		return id, nil
	case entering != nil:
		select {
		case <-entering:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		fallthrough
	case one != nil: // the log may contain the entry although the roster does not yet
		id, _, _ = c.state.find(connection)
		return id, nil
	}
	head, err := c.cfg.Store.Head(ctx) // the roster may lag behind the log, which may contain the entry
	if err != nil {
		return 0, err
	}
	if err := c.WaitFor(ctx, head); err != nil {
		return 0, err
	}
	id, _, _ = c.state.find(connection)
	return id, nil
}

// uploadURL returns the prefix that the URL of an uploaded file in a message must have. Users may upload files under
// any host name of the server. If the setting is empty, the prefix is therefore the upload folder on the host in the
// message's URL.
func (c *Chat) uploadURL(text string) string {
	if c.cfg.UploadURL != "" {
		return c.cfg.UploadURL
	}
	at, err := url.Parse(text)
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" || at.User != nil {
		return ""
	}
	return at.Scheme + "://" + at.Host + "/uploads/"
}
