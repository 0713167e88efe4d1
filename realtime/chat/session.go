package chat

import (
	"context"
	"fmt"
	"sync"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/realtime/hub"
)

// Session connects one connection to the chat. It may subscribe to rooms without being in the chat. Its methods must be
// called by one goroutine at a time.
type Session struct {
	chat       *Chat
	subscriber *subscriber
	limits     *Limits
	history    int64 // number of the history of the log that position belongs to
	position   int64 // position of the newest command of the session

	mu          sync.Mutex
	participant member // the zero member while the session is not in the chat
}

// member is the participant of a session that is in the chat, as recorded in the log.
type member struct {
	id       domain.ParticipantID
	history  int64        // number of the history of the log that id belongs to
	entry    Entry        // with which the session entered
	identity hub.Identity // the zero Identity: anonymous
	nameKey  string
	nickname string // of an anonymous participant
}

// Entry holds the parameters of Session.Enter.
type Entry struct {
	Identity hub.Identity // the zero Identity: anonymous
	Profile  domain.ChatProfile
	Room     domain.ChatRoomID // joined with the entry; "": none
	Nickname string            // nickname of an anonymous participant; may be empty
}

// NewSession creates the session of a connection; connection is its public ID. Until Enter is called, the session is
// not in the chat and receives only private messages to this connection.
func (c *Chat) NewSession(connection string, listener Listener, limits *Limits) *Session {
	c.state.mu.Lock()
	defer c.state.mu.Unlock()
	return &Session{chat: c, subscriber: c.state.subscribers.add(connection, listener), limits: limits}
}

// Connection returns the public ID of the connection.
func (s *Session) Connection() string { return s.subscriber.connection }

// ParticipantID returns the ID of the participant, or 0 if the session is not in the chat.
func (s *Session) ParticipantID() domain.ParticipantID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.participant.id
}

// SetIdentity sets the identity for later commands of the session.
func (s *Session) SetIdentity(i hub.Identity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.participant.identity = i
}

// BeginEntering announces that the session is about to enter: FindByConnection waits for Enter or Leave.
func (s *Session) BeginEntering() {
	s.chat.state.mu.Lock()
	defer s.chat.state.mu.Unlock()
	if s.subscriber.entering == nil {
		s.subscriber.entering = make(chan struct{})
	}
}

// endEntering records the result of Enter or Leave and wakes the callers of FindByConnection that wait for it.
func (s *Session) endEntering() {
	s.chat.state.mu.Lock()
	defer s.chat.state.mu.Unlock()
	s.subscriber.participant = s.ParticipantID()
	if s.subscriber.entering != nil {
		close(s.subscriber.entering)
		s.subscriber.entering = nil
	}
}

// Enter adds the session to the chat and returns the position of the entry.
func (s *Session) Enter(ctx context.Context, e Entry) (position int64, err error) {
	s.BeginEntering()
	defer s.endEntering()
	return s.enter(ctx, s.chat.cfg.Clients, e)
}

// enter is Enter by commands.
func (s *Session) enter(ctx context.Context, commands hub.Executor, e Entry) (position int64, err error) {
	c := s.chat
	if err := c.hub.WaitReady(ctx); err != nil {
		return 0, err
	}
	m := member{identity: e.Identity, nickname: e.Nickname, entry: e, history: c.hub.History()}
	name := e.Nickname
	if e.Identity.User != 0 {
		profile, err := c.hub.Profile(ctx, e.Identity.User)
		if err != nil {
			return 0, err
		}
		name = profile.Name()
	}
	if name != "" {
		m.nameKey = c.cfg.Store.LookalikeKey(name)
	}
	receipt, err := s.executeBy(ctx, commands, e.Identity, domain.EnterChat{
		ChatRoom: e.Room, Nickname: e.Nickname, NameKey: m.nameKey, Connection: s.Connection(), Profile: e.Profile, Node: c.hub.Node(),
	}, "")
	if err != nil {
		return 0, err
	}
	for _, r := range receipt.Events {
		if entered, ok := r.Event.(domain.ParticipantEntered); ok {
			m.id = entered.Participant
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.participant = m
	return receipt.Position, nil
}

// Leave ends the session and queues LeaveChat commands for its participant. It does not block.
func (s *Session) Leave(cause domain.LeaveCause) {
	s.mu.Lock()
	m := s.participant
	s.participant = member{}
	s.mu.Unlock()
	st := s.chat.state
	st.mu.Lock()
	st.subscribers.remove(s.subscriber)
	logged := s.subscriber.logged
	st.mu.Unlock()
	s.endEntering()
	if m.history != s.chat.hub.History() { // the id may belong to another participant now
		m.id = st.idOf(s.Connection())
	}
	ids := []domain.ParticipantID{m.id}
	if logged != m.id {
		ids = append(ids, logged) // Enter failed here, but the log contains the entry
	}
	for _, id := range ids {
		if id != 0 {
			s.chat.leaves.add(domain.LeaveChat{Participant: id, Cause: cause, Node: s.chat.hub.Node(), NameKey: m.nameKey})
		}
	}
}

// SetNickname changes the name of an anonymous participant.
func (s *Session) SetNickname(ctx context.Context, nickname string) error {
	if err := s.AllowQuery(); err != nil {
		return err
	}
	s.mu.Lock()
	m := s.participant
	s.mu.Unlock()
	key := s.chat.cfg.Store.LookalikeKey(nickname)
	_, err := s.execute(ctx, m.identity, domain.SetNickname{Nickname: nickname, Participant: m.id, NameKey: key, PreviousKey: m.nameKey}, "")
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.participant.nickname, s.participant.nameKey = nickname, key
	return nil
}

// Post posts a message. The rate of messages is limited per user, or per client if the client is anonymous.
func (s *Session) Post(ctx context.Context, c domain.PostMessage, key string) (eventstore.Receipt, error) {
	var err error
	now := s.chat.cfg.Now()
	if user := s.participant.identity.User; user != 0 {
		err = hub.Limited(s.chat.users.messages.Take(user, now))
	} else {
		err = hub.Limited(s.limits.messages.Take(now))
	}
	if err != nil {
		return eventstore.Receipt{}, err
	}
	c.Participant, c.Nickname, c.UploadURLPrefix = s.participant.id, s.participant.nickname, s.chat.uploadURL(c)
	return s.execute(ctx, s.participant.identity, c, key)
}

// SendTyping sends a typing note to a room or to one connection. Notes above the rate limit are dropped.
func (s *Session) SendTyping(room domain.ChatRoomID, to string) {
	if _, ok := s.limits.typing.Take(s.chat.cfg.Now()); ok && len(to) <= maxConnectionID {
		s.chat.typing.add(typingNote{Room: string(room), From: s.Connection(), To: to})
	}
}

// AllowQuery counts an operation that uses the log or the tables, and returns a *hub.Problem if the client exceeds its
// rate. The methods of Session call it, except JoinSubscribed.
func (s *Session) AllowQuery() error {
	return hub.Limited(s.limits.queries.Take(s.chat.cfg.Now()))
}

// execute executes a command that the client requests.
func (s *Session) execute(ctx context.Context, by hub.Identity, c domain.Command, key string) (eventstore.Receipt, error) {
	return s.executeBy(ctx, s.chat.cfg.Clients, by, c, key)
}

// executeBy executes a command of the session by commands.
func (s *Session) executeBy(ctx context.Context, commands hub.Executor, by hub.Identity, c domain.Command, key string) (eventstore.Receipt, error) {
	actor := domain.Actor{Kind: domain.Anonymous}
	if by.User != 0 {
		actor = by.Actor()
	}
	receipt, err := commands.Execute(ctx, domain.Request{Command: c, Actor: actor, IdempotencyKey: key})
	s.position = max(s.newest(), receipt.Position)
	if err != nil && domain.AsRefusal(err) == nil {
		err = fmt.Errorf("%s: %w", c.Type(), err)
	}
	return receipt, err
}

// newest returns the position of the newest command of the session in the current history of the log, 0 if there is none.
func (s *Session) newest() int64 {
	if history := s.chat.hub.History(); s.history != history {
		s.history, s.position = history, 0
	}
	return s.position
}
