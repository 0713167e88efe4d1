package chat

import (
	"context"
	"fmt"
	"sync"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/realtime/hub"
)

// Session is one connection of this process that hears the chat, and may be in it. Its methods may be called
// by one goroutine at a time.
type Session struct {
	chat       *Chat
	connection string
	ear        Listener
	pace       *Limits

	hearings map[domain.ChatRoomID]*hearing // guarded by Chat.mu
	seen     domain.ParticipantID           // as which the log says it entered; guarded by Chat.mu
	entering chan struct{}                  // closed when it is known whether the log has it in the chat; nil if it does not enter; guarded by Chat.mu

	at int64 // position of what it did last

	mu    sync.Mutex
	guest guest // the zero one as long as it is not in the chat
}

// guest is who the log knows a member as.
type guest struct {
	id      domain.ParticipantID
	by      hub.Identity // nobody's: not signed in
	nameKey string
	name    string // of somebody who is not signed in
}

// NewSession makes a connection known by its public id. It hears nothing but what is said to it alone, and is not in
// the chat.
func (c *Chat) NewSession(connection string, ear Listener, pace *Limits) *Session {
	m := &Session{
		chat: c, connection: connection, ear: ear, pace: pace,
		hearings: make(map[domain.ChatRoomID]*hearing),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.members[connection] = m
	return m
}

// Connection is the public id.
func (m *Session) Connection() string { return m.connection }

// ParticipantID is the number under which the log has the member in the chat; 0 if it has not.
func (m *Session) ParticipantID() domain.ParticipantID {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.guest.id
}

// Entry is how somebody enters the chat.
type Entry struct {
	Identity hub.Identity // nobody: not signed in
	Style    domain.ChatProfile
	Room     domain.ChatRoomID // "": in none
	Name     string            // of somebody who is not signed in; may be empty
	Address  string            // the address of somebody who is not signed in, as the gate counts it
}

// BeginEntering says that the member is about to enter: whoever looks for it waits for Enter, or Leave.
func (m *Session) BeginEntering() {
	m.chat.mu.Lock()
	defer m.chat.mu.Unlock()
	if m.entering == nil {
		m.entering = make(chan struct{})
	}
}

// entered ends what Entering began.
func (m *Session) entered() {
	m.chat.mu.Lock()
	defer m.chat.mu.Unlock()
	if m.entering != nil {
		close(m.entering)
		m.entering = nil
	}
}

// Enter puts the member into the chat as of a position, in a room or in none.
func (m *Session) Enter(ctx context.Context, a Entry) (at int64, err error) {
	m.BeginEntering()
	defer m.entered()
	c := m.chat
	if a.Identity.User == 0 {
		if err := m.chat.entries.take(a.Address); err != nil {
			return 0, err
		}
	}
	if err := c.hub.WaitReady(ctx); err != nil {
		return 0, err
	}
	g := guest{by: a.Identity, name: a.Name}
	name := a.Name
	if a.Identity.User != 0 {
		profile, err := c.hub.Profile(ctx, a.Identity.User)
		if err != nil {
			return 0, err
		}
		name = profile.Name()
	}
	if name != "" {
		g.nameKey = c.NameKey(name)
	}
	receipt, err := m.execute(ctx, a.Identity, domain.EnterChat{
		ChatRoom: a.Room, Nickname: a.Name, NameKey: g.nameKey, Connection: m.connection, Profile: a.Style, Node: c.hub.Node(),
	}, "")
	if err != nil {
		return 0, err
	}
	for _, r := range receipt.Events {
		if e, ok := r.Event.(domain.ParticipantEntered); ok {
			g.id = e.Participant
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.guest = g
	return receipt.Position, nil
}

// Join puts a member who is in the chat into a room, as of a position; 0 if it was there.
func (m *Session) Join(ctx context.Context, room domain.ChatRoomID) (at int64, err error) {
	if err := m.AllowQuery(); err != nil {
		return 0, err
	}
	return m.JoinSubscribed(ctx, room)
}

// JoinSubscribed is Join for a room that the member hears already: that was paced.
func (m *Session) JoinSubscribed(ctx context.Context, room domain.ChatRoomID) (at int64, err error) {
	receipt, err := m.execute(ctx, m.guest.by, domain.JoinChatRoom{ChatRoom: room, Participant: m.guest.id}, "")
	return receipt.Position, err
}

// LeaveRoom takes the member out of a room, which it hears no more then. If that is refused it hears it as before.
func (m *Session) LeaveRoom(ctx context.Context, room domain.ChatRoomID) error {
	if err := m.AllowQuery(); err != nil {
		return err
	}
	since := m.pause(room) // it is not told that it left
	_, err := m.execute(ctx, m.guest.by, domain.LeaveChatRoom{ChatRoom: room, Participant: m.guest.id}, "")
	if err != nil {
		m.StartFrom(room, since)
		return err
	}
	m.Unsubscribe(room)
	return nil
}

// SetNickname says what a member who is not signed in is called from now on.
func (m *Session) SetNickname(ctx context.Context, name string) error {
	if err := m.AllowQuery(); err != nil {
		return err
	}
	m.mu.Lock()
	g := m.guest
	m.mu.Unlock()
	key := m.chat.cfg.Store.NameKey(name)
	_, err := m.execute(ctx, g.by, domain.SetNickname{Nickname: name, Participant: g.id, NameKey: key, PreviousKey: g.nameKey}, "")
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.guest.name, m.guest.nameKey = name, key
	return nil
}

// SetIdentity says in whose name the member does everything from now on.
func (m *Session) SetIdentity(by hub.Identity) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.guest.by = by
}

// Post says something in the member's name.
func (m *Session) Post(ctx context.Context, c domain.PostMessage, key string) (eventstore.Receipt, error) {
	var err error
	if m.guest.by.User != 0 {
		err = m.chat.people.take(m.guest.by.User)
	} else {
		err = hub.Take(m.pace.messages, m.chat.cfg.Now())
	}
	if err != nil {
		return eventstore.Receipt{}, err
	}
	c.Participant, c.Nickname, c.UploadURLPrefix = m.guest.id, m.guest.name, m.chat.uploads(c)
	return m.execute(ctx, m.guest.by, c, key)
}

// SendTyping says that the member is writing something, in a room or to one connection. Too often is silent.
func (m *Session) SendTyping(room domain.ChatRoomID, to string) {
	if m.pace.typings.AllowN(m.chat.cfg.Now(), 1) && len(to) <= maxConnectionID {
		m.chat.murmur.say(typing{Room: string(room), From: m.connection, To: to})
	}
}

// AllowQuery counts something that asks the log or the tables, or refuses it.
func (m *Session) AllowQuery() error { return hub.Take(m.pace.deeds, m.chat.cfg.Now()) }

// execute has a command of the member's carried out.
func (m *Session) execute(ctx context.Context, by hub.Identity, c domain.Command, key string) (eventstore.Receipt, error) {
	actor := domain.Actor{Kind: domain.Anonymous}
	if by.User != 0 {
		actor = by.Actor()
	}
	receipt, err := m.chat.cfg.Commands.Execute(ctx, domain.Request{Command: c, Actor: actor, IdempotencyKey: key})
	m.at = max(m.at, receipt.Position)
	if err != nil && domain.AsRefusal(err) == nil {
		err = fmt.Errorf("%s: %w", c.Type(), err)
	}
	return receipt, err
}

// Leave is the end of the connection in the chat: the log hears of it. It does not wait.
func (m *Session) Leave(cause domain.LeaveCause) {
	defer m.entered()
	c := m.chat
	c.mu.Lock()
	for room := range m.hearings {
		m.unhear(room)
	}
	if c.members[m.connection] == m {
		delete(c.members, m.connection)
	}
	seen := m.seen
	c.mu.Unlock()
	m.mu.Lock()
	g := m.guest
	m.guest = guest{}
	m.mu.Unlock()
	ids := []domain.ParticipantID{g.id}
	if seen != g.id {
		ids = append(ids, seen) // it was not known that it had entered
	}
	for _, id := range ids {
		if id != 0 {
			c.leaves.add(domain.LeaveChat{Participant: id, Cause: cause, Node: c.hub.Node(), NameKey: g.nameKey})
		}
	}
}
