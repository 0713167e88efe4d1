package chat

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/url"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/hub"
)

// ChatRoom answers a chat room by its id or its name, or a *domain.Refusal.
func (c *Chat) Room(ctx context.Context, ref string) (projections.ChatRoom, error) {
	q := c.cfg.Queries
	var room projections.ChatRoom
	var err error
	if domain.IsChatRoomID(ref) {
		room, err = q.ChatRoom(ctx, domain.ChatRoomID(ref))
	} else {
		room, err = q.ChatRoomByName(ctx, c.cfg.Store.NameKey(ref))
	}
	if errors.Is(err, projections.ErrNotFound) {
		return room, &domain.Refusal{Code: domain.CodeChatRoomNotFound, Text: "the chat room does not exist"}
	}
	return room, err
}

// OpenRoom answers the room of a name, which is made if there is none: from an address, as the gate counts it.
func (m *Session) OpenRoom(ctx context.Context, ref, from string) (projections.ChatRoom, error) {
	room, err := m.chat.Room(ctx, ref)
	if no := domain.AsRefusal(err); no == nil || no.Code != domain.CodeChatRoomNotFound || domain.IsChatRoomID(ref) {
		return room, err
	}
	if err := m.chat.openings.take(from); err != nil {
		return room, err
	}
	var id [12]byte
	_, _ = rand.Read(id[:]) // never fails
	receipt, err := m.execute(ctx, m.guest.by, domain.CreateChatRoom{
		Name: ref, ChatRoom: domain.ChatRoomID(hex.EncodeToString(id[:])), NameKey: m.chat.cfg.Store.NameKey(ref), MaxChatRooms: m.chat.cfg.MaxChatRooms,
	}, "")
	if no := domain.AsRefusal(err); err != nil && (no == nil || no.Code != domain.CodeChatRoomTaken) {
		return room, err
	}
	at := receipt.Position
	if err != nil { // somebody else was faster
		if at, err = m.chat.cfg.Store.Head(ctx); err != nil {
			return room, err
		}
	}
	if err := m.chat.WaitFor(ctx, at); err != nil {
		return room, err
	}
	return m.chat.Room(ctx, ref)
}

// Participants answers who is in a room, oldest first, up to most people: as of what the member itself did last.
func (m *Session) Participants(ctx context.Context, room domain.ChatRoomID, most int) ([]Participant, error) {
	if err := m.AllowQuery(); err != nil {
		return nil, err
	}
	if err := m.chat.WaitFor(ctx, m.at); err != nil {
		return nil, err
	}
	c := m.chat
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.census.rooms[room]
	found := make([]Participant, 0, min(len(all), most))
	for _, one := range all[:min(len(all), most)] {
		found = append(found, one.Participant)
	}
	return found, nil
}

// WaitFor waits until the tables, and whoever hears the chat, have been told everything up to a position.
func (c *Chat) WaitFor(ctx context.Context, position int64) error {
	ctx, cancel := context.WithTimeout(ctx, deliveryTimeout)
	defer cancel()
	if err := c.hub.WaitFor(ctx, position); err != nil {
		return err
	}
	if !c.inbox.await(ctx, position) {
		return hub.ErrBehind
	}
	return nil
}

// FindByConnection answers who is in the chat by a connection, to this process or another; the guest is 0 if nobody is. It waits
// for one of this process that is about to enter.
func (c *Chat) FindByConnection(ctx context.Context, connection string) (domain.ParticipantID, error) {
	id, ours, entering := c.find(connection)
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
	case ours != nil: // the log may have told it, and not yet the chat
		return ours.ParticipantID(), nil
	}
	head, err := c.cfg.Store.Head(ctx) // perhaps another process knows already
	if err != nil {
		return 0, err
	}
	if err := c.WaitFor(ctx, head); err != nil {
		return 0, err
	}
	id, _, _ = c.find(connection)
	return id, nil
}

func (c *Chat) find(connection string) (id domain.ParticipantID, ours *Session, entering <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if one := c.census.byConnection[connection]; one != nil {
		return one.Guest, nil, nil
	}
	if m := c.members[connection]; m != nil {
		return 0, m, m.entering
	}
	return 0, nil, nil
}

// Online answers how many connections are in a room.
func (c *Chat) Online(room domain.ChatRoomID) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.census.rooms[room])
}

// NameKey is the keyed hash under which a room or a guest of this name is known.
func (c *Chat) NameKey(name string) string { return c.cfg.Store.NameKey(name) }

// History answers what was said in a room, or to everybody, to a member: as of what it said last itself.
func (m *Session) History(ctx context.Context, room domain.ChatRoomID, w projections.Window) ([]projections.Message, error) {
	if err := m.AllowQuery(); err != nil {
		return nil, err
	}
	if err := m.chat.WaitFor(ctx, m.at); err != nil {
		return nil, err
	}
	if room == "" {
		return m.chat.cfg.Queries.PublicMessages(ctx, w)
	}
	return m.chat.cfg.Queries.ChatRoomMessages(ctx, room, w)
}

// Author answers who said a message, and whether the person is in the chat now.
func (c *Chat) Author(m projections.Message) (by Participant, there bool) {
	by = Participant{Guest: m.Participant, Connection: m.Connection, User: m.User, Nickname: m.Nickname}
	by.User.CreatedAt = m.CreatedAt
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.author(by)
}

// FindByName answers who in the chat is called by a name: whoever is not signed in has it alone, then comes whose username
// it is, then who came first.
func (c *Chat) FindByName(name string) (found Participant, ok bool) {
	key := c.cfg.Store.NameKey(name)
	c.mu.Lock()
	defer c.mu.Unlock()
	best := 3
	for _, one := range c.census.byName[key] { // oldest first
		claim := 2
		switch {
		case one.User.ID == 0:
			claim = 0
		case c.NameKey(one.User.Username) == key:
			claim = 1
		}
		if claim < best {
			found, best = one.Participant, claim
		}
	}
	return found, best < 3
}

// uploads answers how the address of an uploaded file begins. Without a setting any address of the form will do, as any
// Host header does for the one who uploads.
func (c *Chat) uploads(p domain.PostMessage) string {
	if c.cfg.Uploads != "" {
		return c.cfg.Uploads
	}
	at, err := url.Parse(p.Text)
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" || at.User != nil {
		return ""
	}
	return at.Scheme + "://" + at.Host + "/uploads/"
}
