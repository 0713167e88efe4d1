package chat

import (
	"cmp"
	"slices"

	"roomlog/domain"
	"roomlog/projections"
)

// Participant is somebody in the chat, by one connection to any process.
type Participant struct {
	Guest      domain.ParticipantID
	Connection string // its public id
	Style      domain.ChatProfile
	User       projections.Profile // of somebody signed in; else its ID is 0
	Nickname   string              // of somebody who is not; may be empty
	Node       string              // that holds the connection
}

// Name is what the person is called; "" for somebody without a name.
func (p Participant) Name() string {
	if p.User.ID != 0 {
		return p.User.Name()
	}
	return p.Nickname
}

// DisplayName is Name, or the connection's id for somebody without a name.
func (p Participant) DisplayName() string {
	if name := p.Name(); name != "" {
		return name
	}
	return p.Connection
}

// census is who is in the chat and where, as the log says up to some position. What is counted twice in the
// log's order counts once.
type census struct {
	people       map[domain.ParticipantID]*present
	byConnection map[string]*present
	users        map[domain.UserID]int            // connections of people signed in
	rooms        map[domain.ChatRoomID][]*present // oldest first
	byName       map[string][]*present            // by the key of what people are called now; oldest first
}

// present is somebody who is in the chat.
type present struct {
	Participant
	nameKey string // under which the log has it
	called  string // key of what it is called now
	rooms   []domain.ChatRoomID
}

func newCensus() census {
	return census{
		people: make(map[domain.ParticipantID]*present), byConnection: make(map[string]*present), users: make(map[domain.UserID]int),
		rooms: make(map[domain.ChatRoomID][]*present), byName: make(map[string][]*present),
	}
}

// enter adds somebody to the chat.
func (c *census) enter(p Participant, nameKey, called string, rooms ...domain.ChatRoomID) {
	c.leave(p.Guest)
	one := &present{Participant: p, nameKey: nameKey}
	c.people[p.Guest], c.byConnection[p.Connection] = one, one
	c.call(one, called)
	if p.User.ID != 0 {
		c.users[p.User.ID]++
	}
	for _, r := range rooms {
		c.join(p.Guest, r)
	}
}

func (c *census) leave(id domain.ParticipantID) {
	one := c.people[id]
	if one == nil {
		return
	}
	for _, r := range slices.Clone(one.rooms) {
		c.part(id, r)
	}
	c.call(one, "")
	delete(c.people, id)
	if user := one.User.ID; user != 0 {
		if c.users[user]--; c.users[user] == 0 {
			delete(c.users, user)
		}
	}
	if c.byConnection[one.Connection] == one {
		delete(c.byConnection, one.Connection)
	}
}

// call has somebody found by another key from now on; by none if it is "".
func (c *census) call(one *present, key string) {
	if one.called == key {
		return
	}
	if others := slices.DeleteFunc(c.byName[one.called], func(p *present) bool { return p == one }); len(others) > 0 {
		c.byName[one.called] = others
	} else {
		delete(c.byName, one.called)
	}
	one.called = key
	if key == "" {
		return
	}
	all := c.byName[key]
	at, _ := slices.BinarySearchFunc(all, one.Guest, func(p *present, id domain.ParticipantID) int { return cmp.Compare(p.Guest, id) })
	c.byName[key] = slices.Insert(all, at, one)
}

func (c *census) join(id domain.ParticipantID, room domain.ChatRoomID) {
	if one := c.people[id]; one != nil && !slices.Contains(one.rooms, room) {
		one.rooms = append(one.rooms, room)
		c.rooms[room] = append(c.rooms[room], one)
	}
}

func (c *census) part(id domain.ParticipantID, room domain.ChatRoomID) {
	one := c.people[id]
	if one == nil {
		return
	}
	one.rooms = slices.DeleteFunc(one.rooms, func(r domain.ChatRoomID) bool { return r == room })
	c.rooms[room] = slices.DeleteFunc(c.rooms[room], func(p *present) bool { return p == one })
	if len(c.rooms[room]) == 0 {
		delete(c.rooms, room)
	}
}

// remove empties a room that is no more.
func (c *census) remove(room domain.ChatRoomID) {
	for _, one := range slices.Clone(c.rooms[room]) {
		c.part(one.Guest, room)
	}
}

// rename notes how somebody signed in is shown, and by which key found, from now on.
func (c *census) rename(p projections.Profile, key string) {
	for _, one := range c.people {
		if one.User.ID == p.ID {
			one.User = p
			c.call(one, key)
		}
	}
}

// newest answers the connections of up to most people in a room, newest first.
func (c *census) newest(room domain.ChatRoomID, most int) []string {
	all := c.rooms[room]
	ids := make([]string, 0, min(len(all), most))
	for _, one := range slices.Backward(all) {
		if len(ids) == most {
			break
		}
		ids = append(ids, one.Connection)
	}
	return ids
}
