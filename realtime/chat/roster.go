package chat

import (
	"cmp"
	"slices"

	"roomlog/domain"
	"roomlog/projections"
)

// roster holds the participants of the chat and their rooms, as of one position of the log. Applying an event a second
// time changes nothing.
type roster struct {
	entries      map[domain.ParticipantID]*entry
	byConnection map[string]*entry
	users        map[domain.UserID]int          // number of connections of each signed-in user
	rooms        map[domain.ChatRoomID][]*entry // oldest first
	byName       map[string][]*entry            // by the key of the current name; oldest first
}

// entry is one participant of the roster.
type entry struct {
	Participant
	nameKey string // key of the name in the log
	found   string // key under which byName has the entry
	rooms   []domain.ChatRoomID
}

func newRoster() *roster {
	return &roster{
		entries: make(map[domain.ParticipantID]*entry), byConnection: make(map[string]*entry), users: make(map[domain.UserID]int),
		rooms: make(map[domain.ChatRoomID][]*entry), byName: make(map[string][]*entry),
	}
}

// enter adds a participant with its rooms. found is the key of the name by which named finds the participant; "": none.
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

// setFound changes the key of the name by which named finds an entry; "": none.
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

// setProfile changes the profile of a user, who is found by key from now on.
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

// removeRoom removes a room and its memberships.
func (r *roster) removeRoom(room domain.ChatRoomID) {
	for _, e := range slices.Clone(r.rooms[room]) {
		r.leaveRoom(e.ID, room)
	}
}

// participant returns a participant of the roster. If the roster does not contain it, it returns a participant with the
// given values.
func (r *roster) participant(id domain.ParticipantID, connection string, user projections.Profile) Participant {
	if e := r.entries[id]; e != nil {
		return e.Participant
	}
	return Participant{ID: id, Connection: connection, User: user}
}

// idOf returns the participant of a connection, 0 if there is none.
func (r *roster) idOf(connection string) domain.ParticipantID {
	if e := r.byConnection[connection]; e != nil {
		return e.ID
	}
	return 0
}

// roomsOf returns the rooms of a participant.
func (r *roster) roomsOf(id domain.ParticipantID) []domain.ChatRoomID {
	if e := r.entries[id]; e != nil {
		return e.rooms
	}
	return nil
}

// author completes the author of a message, and reports whether the author is in the chat.
func (r *roster) author(by Participant) (author Participant, present bool) {
	if e := r.entries[by.ID]; e != nil {
		if by.Nickname == "" {
			by.Nickname = e.Nickname
		}
		return by, true
	}
	return by, by.User.ID != 0 && r.users[by.User.ID] > 0
}

// inRoom returns up to limit participants of a room, oldest first.
func (r *roster) inRoom(room domain.ChatRoomID, limit int) []Participant {
	all := r.rooms[room]
	found := make([]Participant, 0, min(len(all), limit))
	for _, e := range all[:min(len(all), limit)] {
		found = append(found, e.Participant)
	}
	return found
}

// newest returns up to limit connections of a room, newest first.
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

// named returns the participant whose name has this key and who entered first, and the number of people who have such a
// name. The connections of a user count as one.
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
