package chat

import (
	"cmp"
	"slices"

	"roomlog/domain"
	"roomlog/projections"
)

// roster contains the participants of the chat and their chat rooms, as of one position of the log. Applying an event
// twice has the same result as applying it once.
type roster struct {
	entries      map[domain.ParticipantID]*entry
	byConnection map[string]*entry
	users        map[domain.UserID]int          // number of connections of each signed-in user
	rooms        map[domain.ChatRoomID][]*entry // participants of each chat room, oldest first
	byName       map[string][]*entry            // participants by the key of their current name, oldest first
}

// entry is a participant in the roster.
type entry struct {
	Participant
	nameKey string // key of the name according to the log
	found   string // key in byName of the slice that contains the entry
	rooms   []domain.ChatRoomID
}

func newRoster() *roster {
	return &roster{
		entries: make(map[domain.ParticipantID]*entry), byConnection: make(map[string]*entry), users: make(map[domain.UserID]int),
		rooms: make(map[domain.ChatRoomID][]*entry), byName: make(map[string][]*entry),
	}
}

// enter adds a participant with the participant's chat rooms. named finds the participant by the key found; "" if the
// participant has no name.
func (r *roster) enter(p Participant, nameKey, found string, rooms ...domain.ChatRoomID) {
	r.leave(p.ID)
	e := &entry{Participant: p, nameKey: nameKey}
	r.entries[p.ID], r.byConnection[p.Connection] = e, e
	r.setFound(e, found)
	if p.User.ID != 0 {
		r.users[p.User.ID]++
	}
	for _, room := range rooms {
		r.join(p.ID, room)
	}
}

func (r *roster) leave(id domain.ParticipantID) {
	e := r.entries[id]
	if e == nil {
		return
	}
	for _, room := range slices.Clone(e.rooms) {
		r.leaveRoom(id, room)
	}
	r.setFound(e, "")
	delete(r.entries, id)
	if user := e.User.ID; user != 0 {
		if r.users[user]--; r.users[user] == 0 {
			delete(r.users, user)
		}
	}
	if r.byConnection[e.Connection] == e {
		delete(r.byConnection, e.Connection)
	}
}

// setFound changes the key by which named finds an entry. "" means that named does not find it.
func (r *roster) setFound(e *entry, key string) {
	if e.found == key {
		return
	}
	if others := slices.DeleteFunc(r.byName[e.found], func(other *entry) bool { return other == e }); len(others) > 0 {
		r.byName[e.found] = others
	} else {
		delete(r.byName, e.found)
	}
	e.found = key
	if key == "" {
		return
	}
	all := r.byName[key]
	at, _ := slices.BinarySearchFunc(all, e.ID, func(e *entry, id domain.ParticipantID) int { return cmp.Compare(e.ID, id) })
	r.byName[key] = slices.Insert(all, at, e)
}

// setNickname changes the name of an anonymous participant.
func (r *roster) setNickname(id domain.ParticipantID, nickname, key string) {
	if e := r.entries[id]; e != nil {
		e.Nickname, e.nameKey = nickname, key
		r.setFound(e, key)
	}
}

// setProfile changes the profile of a user. From now on named finds the user by key.
func (r *roster) setProfile(p projections.Profile, key string) {
	for _, e := range r.entries {
		if e.User.ID == p.ID {
			e.User = p
			r.setFound(e, key)
		}
	}
}

func (r *roster) join(id domain.ParticipantID, room domain.ChatRoomID) {
	if e := r.entries[id]; e != nil && !slices.Contains(e.rooms, room) {
		e.rooms = append(e.rooms, room)
		r.rooms[room] = append(r.rooms[room], e)
	}
}

func (r *roster) leaveRoom(id domain.ParticipantID, room domain.ChatRoomID) {
	e := r.entries[id]
	if e == nil {
		return
	}
	e.rooms = slices.DeleteFunc(e.rooms, func(other domain.ChatRoomID) bool { return other == room })
	r.rooms[room] = slices.DeleteFunc(r.rooms[room], func(other *entry) bool { return other == e })
	if len(r.rooms[room]) == 0 {
		delete(r.rooms, room)
	}
}

// removeRoom removes a chat room and its memberships.
func (r *roster) removeRoom(room domain.ChatRoomID) {
	for _, e := range slices.Clone(r.rooms[room]) {
		r.leaveRoom(e.ID, room)
	}
}

// participant returns a participant of the roster. If the roster does not contain the participant, it returns a
// Participant with the given values.
func (r *roster) participant(id domain.ParticipantID, connection string, user projections.Profile) Participant {
	if e := r.entries[id]; e != nil {
		return e.Participant
	}
	return Participant{ID: id, Connection: connection, User: user}
}

// idOf returns the participant of a connection, or 0 if there is none.
func (r *roster) idOf(connection string) domain.ParticipantID {
	if e := r.byConnection[connection]; e != nil {
		return e.ID
	}
	return 0
}

// roomsOf returns the chat rooms of a participant.
func (r *roster) roomsOf(id domain.ParticipantID) []domain.ChatRoomID {
	if e := r.entries[id]; e != nil {
		return e.rooms
	}
	return nil
}

// author returns the author with the data in the roster, and reports whether the author is in the chat.
func (r *roster) author(by Participant) (author Participant, present bool) {
	if e := r.entries[by.ID]; e != nil {
		if by.Nickname == "" {
			by.Nickname = e.Nickname
		}
		return by, true
	}
	return by, by.User.ID != 0 && r.users[by.User.ID] > 0
}

// inRoom returns up to limit participants of a chat room, oldest first.
func (r *roster) inRoom(room domain.ChatRoomID, limit int) []Participant {
	all := r.rooms[room]
	found := make([]Participant, 0, min(len(all), limit))
	for _, e := range all[:min(len(all), limit)] {
		found = append(found, e.Participant)
	}
	return found
}

// newest returns up to limit connections in a chat room, newest first.
func (r *roster) newest(room domain.ChatRoomID, limit int) []string {
	all := r.rooms[room]
	ids := make([]string, 0, min(len(all), limit))
	for _, e := range slices.Backward(all) {
		if len(ids) == limit {
			break
		}
		ids = append(ids, e.Connection)
	}
	return ids
}

// named returns the oldest participant whose name has this key, and how many people have such a name. All connections
// of a user count as one person.
func (r *roster) named(key string) (found Participant, people int) {
	users := make(map[domain.UserID]bool)
	for _, e := range r.byName[key] { // oldest first
		if people == 0 {
			found = e.Participant
		}
		if user := e.User.ID; user == 0 || !users[user] {
			users[user] = true
			people++
		}
	}
	return found, people
}
