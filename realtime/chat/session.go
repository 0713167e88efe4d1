package chat

import (
	"context"
	"fmt"
	"sync"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/limit"
	"roomlog/realtime/hub"
)

// Session connects one connection to the chat. It may subscribe to chat rooms without being in the chat. Only one
// goroutine at a time may call its methods.
type Session struct {
	chat       *Chat
	subscriber *subscriber
	limits     *Limits
	history    int64 // number of the history of the log to which position belongs
	position   int64 // position of the newest command of the Session

	mu          sync.Mutex
	participant member // zero while the Session is not in the chat
}

// member is the participant of a Session that is in the chat, as recorded in the log.
type member struct {
	id       domain.ParticipantID
	history  int64        // number of the history of the log to which id belongs
	entry    Entry        // parameters with which the Session entered
	identity hub.Identity // identity of the signed-in user; zero if the participant is anonymous
	nameKey  string
	nickname string // nickname of an anonymous participant
}

// Entry holds the parameters of Session.Enter.
type Entry struct {
	Identity hub.Identity // identity of the signed-in user; zero if the participant is anonymous
	Profile  domain.ChatProfile
	Room     domain.ChatRoomID // chat room to join when entering; "" if there is none
	Nickname string            // nickname of an anonymous participant; may be empty
}

// NewSession creates the Session of a connection. connection is the public id of the connection. Until Enter is called,
// the Session is not in the chat and receives only private messages to the connection.
func (c *Chat) NewSession(connection string, listener Listener, limits *Limits) *Session {
	c.state.mu.Lock()
	defer c.state.mu.Unlock()
	return &Session{chat: c, subscriber: c.state.subscribers.add(connection, listener), limits: limits}
}

// Connection returns the public id of the connection.
func (s *Session) Connection() string { return s.subscriber.connection }

// ParticipantID returns the id of the participant, or 0 if the Session is not in the chat.
func (s *Session) ParticipantID() domain.ParticipantID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.participant.id
}

// SetIdentity sets the identity for later commands of the Session.
func (s *Session) SetIdentity(i hub.Identity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.participant.identity = i
}

// BeginEntering announces that the Session is about to enter the chat. FindByConnection then waits for Enter or Leave.
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

// Enter adds the Session to the chat as a participant, and returns the position of the event.
func (s *Session) Enter(ctx context.Context, e Entry) (position int64, err error) {
	s.BeginEntering()
	defer s.endEntering()
	return s.enter(ctx, s.chat.cfg.ClientCommands, e)
}

// enter enters the chat with the executor commands.
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

// Leave ends the Session and queues LeaveChat commands for its participant. It does not block.
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
	if m.history != s.chat.hub.History() { // in the new history, the id may belong to another participant
		m.id = st.idOf(s.Connection())
	}
	ids := []domain.ParticipantID{m.id}
	if logged != m.id {
		ids = append(ids, logged) // Enter returned an error, but the log contains the participant
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
	if err := s.allowMessage(); err != nil {
		return eventstore.Receipt{}, err
	}
	c.Participant, c.Nickname, c.UploadURLPrefix = s.participant.id, s.participant.nickname, s.chat.uploadURL(c.Text)
	return s.execute(ctx, s.participant.identity, c, key)
}

// Exchange posts a message to the connections of a namespace, or to one connection that is not in the chat. It counts
// against the same rate as Post. All clients of the node share a further rate of accepted messages to namespaces; one
// address can use half of it. The function that OnExchange has set receives the message on every node.
func (s *Session) Exchange(ctx context.Context, c domain.ExchangeMessage) (err error) {
	if err := s.allowMessage(); err != nil {
		return err
	}
	if c.Namespace != "" {
		address := limit.AddressOf(ctx)
		if err := hub.Limited(s.chat.byHost.Take(address, s.chat.cfg.Now())); err != nil {
			return err
		}
		if err := hub.Limited(s.chat.toAll.Take(s.chat.cfg.Now())); err != nil {
			s.chat.byHost.Return(address, s.chat.cfg.Now())
			return err
		}
		defer func() {
			if err != nil { // a client whose messages are refused must not use up the rate of the others
				s.chat.toAll.Return(s.chat.cfg.Now())
				s.chat.byHost.Return(address, s.chat.cfg.Now())
			}
		}()
	}
	c.Participant, c.Nickname, c.UploadURLPrefix = s.participant.id, s.participant.nickname, s.chat.uploadURL(c.Text)
	_, err = s.execute(ctx, s.participant.identity, c, "")
	return err
}

// allowMessage counts a message, and returns a *hub.Problem if the user or the anonymous client exceeds the rate.
func (s *Session) allowMessage() error {
	now := s.chat.cfg.Now()
	if user := s.participant.identity.User; user != 0 {
		return hub.Limited(s.chat.byUser.Take(user, now))
	}
	return hub.Limited(s.limits.messages.Take(now))
}

// SendTyping sends a typing note to a chat room or to one connection. It drops notes that exceed the rate.
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
	return s.executeBy(ctx, s.chat.cfg.ClientCommands, by, c, key)
}

// executeBy executes a command of the Session with the executor commands.
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

// newest returns the position of the Session's newest command in the current history of the log, or 0 if there is none.
func (s *Session) newest() int64 {
	if history := s.chat.hub.History(); s.history != history {
		s.history, s.position = history, 0
	}
	return s.position
}
