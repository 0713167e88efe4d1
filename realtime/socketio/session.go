package socketio

import (
	"context"
	"sync"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/hub"
	"roomlog/realtime/socketio/protocol"
)

// session is a socket with the users who are in lives on it. Only the goroutine that handles the socket's events uses
// its fields.
type session struct {
	*core
	socket  *protocol.Socket
	clients map[domain.UserID]*liveClient
	inChat  func() bool // reports whether the socket has a nickname or is in a chat room; nil if it cannot be
}

// liveClient is one user on one socket, in at least one live. It implements hub.Client.
type liveClient struct {
	session *session
	lives   map[domain.LiveID]*channel // used only by the goroutine that handles the socket's events

	mu       sync.Mutex
	identity hub.Identity
}

func newSession(c *core, k *protocol.Socket) *session {
	return &session{core: c, socket: k, clients: make(map[domain.UserID]*liveClient)}
}

// handler returns an event handler that runs do. If do returns an error, the handler sends it to the socket as a
// notice. It refuses arguments with ambiguous members.
func (s *session) handler(quiet bool, do func(context.Context, *protocol.Event) error) func(*protocol.Event) {
	return func(e *protocol.Event) {
		ctx, cancel := requestContext(s.socket)
		defer cancel()
		ctx, traced := s.cfg.Hub.Tracer().Start(ctx)
		err := e.CheckMembers()
		if err != nil {
			err = badRequest(err.Error())
		} else {
			err = do(ctx, e)
		}
		if err != nil {
			s.notify(ctx, s.socket, e.Name, err, quiet)
		}
		traced.End("socketio", e.Name, hub.CodeOf(err)) // the name is one of events
	}
}

// eventNeedLogin is the event that requests a sign-in.
const eventNeedLogin = "needLogin"

// needLogin handles events for which the socket must be signed in.
func (s *session) needLogin(context.Context, *protocol.Event) error {
	s.socket.Emit(eventNeedLogin)
	return nil
}

// leaveEnded leaves the lives that have ended, if the socket is in the maximum number of lives.
func (s *session) leaveEnded(ctx context.Context) error {
	var all []hub.Membership
	for user, c := range s.clients {
		for live := range c.lives {
			all = append(all, hub.Membership{User: user, Live: live})
		}
	}
	ended, err := s.cfg.Hub.CheckLives(ctx, all)
	for _, m := range ended {
		s.leave(s.clients[m.User], m.Live, domain.LeaveLiveEnded)
	}
	return err
}

// client returns the client for a user, and registers it with the hub if it is new.
func (s *session) client(ctx context.Context, by hub.Identity) (*liveClient, error) {
	if c := s.clients[by.User]; c != nil {
		return c, nil
	}
	c := &liveClient{session: s, lives: make(map[domain.LiveID]*channel), identity: by}
	if _, err := s.cfg.Hub.Register(ctx, by.User, c); err != nil {
		return nil, err
	}
	s.clients[by.User] = c
	return c, nil
}

// isIn reports whether a user is in a live on this socket.
func (s *session) isIn(user domain.UserID, live domain.LiveID) bool {
	c := s.clients[user]
	return c != nil && c.lives[live] != nil
}

// join makes a user join a live on this socket. If replay is true, the socket receives the deltas of the live after
// since. It always receives the viewer list.
func (s *session) join(ctx context.Context, by hub.Identity, live domain.LiveID, replay bool, since int64) error {
	again := s.isIn(by.User, live)
	if !again {
		if err := s.leaveEnded(ctx); err != nil {
			return err
		}
	}
	c, err := s.client(ctx, by)
	if err != nil {
		return err
	}
	before := c.Identity()
	c.setIdentity(by)
	position, err := s.cfg.Hub.Enter(ctx, c, live)
	if err != nil {
		c.setIdentity(before)
		s.removeIdle(c)
		return err
	}
	if !again {
		c.lives[live] = s.channels.acquire(live)
	}
	if err := c.lives[live].enter(ctx, s.socket, entry{by.User, position, replay, since}); err != nil {
		s.leave(c, live, domain.LeaveConnectionLost)
		return err
	}
	if !again {
		s.channels.announceLater(live)
	}
	return nil
}

// leave removes a client from a live.
func (s *session) leave(c *liveClient, live domain.LiveID, cause domain.LeaveCause) {
	channel := c.lives[live]
	delete(c.lives, live)
	channel.left(c.user(), s.socket)
	another := false // whether another user of this socket is in the live
	for _, other := range s.clients {
		another = another || other.lives[live] != nil
	}
	if !another {
		channel.unsubscribe(s.socket)
		s.channels.announceLater(live)
	}
	s.channels.release(channel)
	s.cfg.Hub.Leave(c, live, cause)
	s.removeIdle(c)
}

// leaveAll removes all clients from all lives.
func (s *session) leaveAll(cause domain.LeaveCause) {
	for _, c := range s.clients {
		for live := range c.lives {
			s.leave(c, live, cause)
		}
	}
}

// removeIdle removes a client that is in no live.
func (s *session) removeIdle(c *liveClient) {
	if len(c.lives) == 0 {
		delete(s.clients, c.user())
		s.cfg.Hub.Unregister(c.user(), c)
	}
}

// setIdentity sets the user and the sign-in session to those of the newest token.
func (c *liveClient) setIdentity(by hub.Identity) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.identity = by
}

// Identity returns the user and the sign-in session of the newest token.
func (c *liveClient) Identity() hub.Identity {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.identity
}

func (c *liveClient) user() domain.UserID { return c.Identity().User }

// ConnectionKey returns the key of the client's connection.
func (c *liveClient) ConnectionKey() string { return c.session.socket.ID() }

// Ended reports whether the Engine.IO session has ended.
func (c *liveClient) Ended() bool { return c.session.socket.Session().Ended() }

// Reset ends the Engine.IO session, so that the client reconnects.
func (c *liveClient) Reset() { reconnect(c.session.socket) }

// DeliverPrivate does nothing, because these clients show nothing of the user channel in lives.
func (c *liveClient) DeliverPrivate(projections.Delta) {}

// Revoke removes the user from all lives and sends the reason. The socket stays connected, unless the user is banned or
// unavailable.
func (c *liveClient) Revoke(refusal *domain.Refusal) {
	s := c.session
	s.socket.Session().Later(func() {
		if s.clients[c.user()] != c {
			return
		}
		s.notify(context.Background(), s.socket, "", refusal, false)
		if s.disconnectUnavailable(s.socket, refusal) {
			return
		}
		for live := range c.lives {
			s.leave(c, live, domain.LeaveConnectionLost)
		}
	})
}

// Kick disconnects the socket.
func (c *liveClient) Kick(reason string) { c.session.kick(c.session.socket, reason) }

// BanFrom removes the user from a live and sends the reason. The socket stays connected.
func (c *liveClient) BanFrom(live domain.LiveID, reason string) {
	s := c.session
	s.socket.Session().Later(func() {
		if s.clients[c.user()] != c || c.lives[live] == nil {
			return
		}
		s.leave(c, live, domain.LeaveRemoved)
		text := reason
		if text == "" {
			text = domain.CodeBanned.Chinese()
		}
		s.socket.Emit(s.socket.ID(), noticeDTO{
			Meta: noticeMetaDTO{Timestamp: s.cfg.Hub.Now().UnixMilli()},
			Data: noticeDataDTO{"error", text, domain.CodeBanned, "you are banned from this live"},
		})
	})
}
