package chat

import (
	"context"
	"sync"

	"roomlog/domain"
	"roomlog/projections"
)

const (
	maxListed  = 50  // maximum number of connections in an update about a join or leave; it contains the newest ones
	rosterPage = 500 // number of participants that one query reads
)

// state contains the roster as of one position, and the Sessions of this node with their subscriptions.
type state struct {
	node    string
	nameKey func(name string) string // returns the keyed hash of the lookalike form of a name
	leaves  *leaveQueue

	exchange func(*Update) // receives the messages of Session.Exchange; may be nil

	mu          sync.Mutex // locked before the locks of dialects
	loaded      int64      // position at which the roster was read
	roster      *roster
	subscribers subscribers
}

func newState(node string, nameKey func(string) string, leaves *leaveQueue) *state {
	return &state{node: node, nameKey: nameKey, leaves: leaves, roster: newRoster(), subscribers: newSubscribers()}
}

// load reads the roster as of position or later. Afterwards apply ignores deltas up to the position of the roster.
// Applying a later delta twice has the same result as applying it once.
func (s *state) load(ctx context.Context, q *projections.Queries, position int64) error {
	fresh := newRoster()
	for last := domain.ParticipantID(0); ; {
		page, err := q.Roster(ctx, last, rosterPage)
		if err != nil {
			return err
		}
		for _, e := range page {
			p := Participant{e.ID, e.Connection, e.Profile, e.User, e.Nickname, e.Node}
			fresh.enter(p, e.NameKey, s.foundBy(p, e.NameKey), e.ChatRooms...)
			last = e.ID
		}
		if len(page) < rosterPage {
			break
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.roster, s.loaded = fresh, position
	return nil
}

// foundBy returns the key by which named finds a participant. Users are found by their current name.
func (s *state) foundBy(p Participant, nameKey string) string {
	if p.User.ID != 0 {
		return s.nameKey(p.User.Name())
	}
	return nameKey
}

// apply applies a delta to the roster and delivers it to the Sessions that it concerns.
func (s *state) apply(d projections.Delta) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.Position <= s.loaded {
		return
	}
	u := &Update{Delta: d}
	switch e := d.Event.(type) {
	case domain.ParticipantEntered:
		u.By = Participant{e.Participant, e.Connection, e.Profile, profileOf(e.User, d.Profile), e.Nickname, e.Node}
		s.roster.enter(u.By, e.NameKey, s.foundBy(u.By, e.NameKey))
		s.entered(e)
		if e.Profile == domain.ProfilePlain && e.Nickname != "" {
			s.subscribers.deliver(u, "")
		}
	case domain.NicknameSet:
		s.roster.setNickname(e.Participant, e.Nickname, e.NameKey)
		u.By = s.roster.participant(e.Participant, e.Connection, projections.Profile{})
		s.subscribers.deliver(u, s.roster.roomsOf(e.Participant)...)
	case domain.ChatRoomJoined:
		s.roster.join(e.Participant, e.ChatRoom)
		u.By = s.roster.participant(e.Participant, e.Connection, profileOf(e.User, d.Profile))
		s.deliverMove(u, e.ChatRoom)
	case domain.ChatRoomLeft:
		u.By = s.roster.participant(e.Participant, e.Connection, profileOf(e.User, d.Profile))
		s.roster.leaveRoom(e.Participant, e.ChatRoom)
		s.deliverMove(u, e.ChatRoom)
	case domain.ParticipantLeft:
		s.roster.leave(e.Participant)
		s.left(e)
	case domain.ChatRoomRemoved:
		s.roster.removeRoom(e.ChatRoom)
		s.subscribers.deliver(u, e.ChatRoom)
	case domain.MessagePosted:
		s.deliverMessage(u, e)
	case domain.MessageExchanged:
		if s.exchange != nil {
			u.By = s.roster.participant(e.Participant, e.Connection, profileOf(e.User, d.Profile))
			s.exchange(u)
		}
	case domain.UserProfileChanged:
		s.roster.setProfile(d.Profile, s.nameKey(d.Profile.Name()))
	}
}

// deliverMove delivers a join or leave to the subscribers of a chat room.
func (s *state) deliverMove(u *Update, room domain.ChatRoomID) {
	u.Connections, u.Online = s.roster.newest(room, maxListed), len(s.roster.rooms[room])
	s.subscribers.deliver(u, room)
}

// deliverMessage delivers a message to the subscribers of its chat rooms, or to one Session. It does not deliver a
// message to one user, because the user channel does.
func (s *state) deliverMessage(u *Update, e domain.MessagePosted) {
	u.By, u.Present = s.roster.author(AuthorOf(u.Delta, e))
	switch {
	case e.ToConnection != "":
		if one := s.subscribers.byConnection[e.ToConnection]; one != nil {
			one.listener.Deliver(u)
		}
	case e.ToUser != 0:
	case len(e.ChatRooms) > 0:
		s.subscribers.deliver(u, e.ChatRooms...)
	default:
		s.subscribers.deliver(u, "")
	}
}

// entered records the participant that the log contains for a connection of this node. If the Session has ended before
// it received the result of Enter, entered queues the leave of the participant.
func (s *state) entered(e domain.ParticipantEntered) {
	if e.Node != s.node {
		return
	}
	if one := s.subscribers.byConnection[e.Connection]; one != nil {
		one.logged = e.Participant
		return
	}
	s.leaves.add(domain.LeaveChat{Participant: e.Participant, Cause: domain.LeaveConnectionLost, Node: e.Node, NameKey: e.NameKey})
}

// left resets a Session if another node has removed its participant because it counted this node as lost.
func (s *state) left(e domain.ParticipantLeft) {
	one := s.subscribers.byConnection[e.Connection]
	if one != nil && one.participant == e.Participant && e.Cause == domain.LeaveNodeLost {
		one.listener.Reset()
	}
}

// deliverTyping delivers a typing note to one Session, or to all other subscribers of a chat room.
func (s *state) deliverTyping(n typingNote) {
	s.mu.Lock()
	defer s.mu.Unlock()
	by := Participant{Connection: n.From}
	if e := s.roster.byConnection[n.From]; e != nil {
		by = e.Participant
	}
	if n.To != "" {
		if one := s.subscribers.byConnection[n.To]; one != nil {
			one.listener.Typing(by, "")
		}
		return
	}
	for one := range s.subscribers.byRoom[domain.ChatRoomID(n.Room)] {
		if one.connection != n.From {
			one.listener.Typing(by, domain.ChatRoomID(n.Room))
		}
	}
}

// reset resets all Sessions, because updates were missed.
func (s *state) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.subscribers.byConnection {
		one.listener.Reset()
	}
}

// historyChanged makes all Sessions continue with the updates after position, in a new history of the log.
func (s *state) historyChanged(position int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaves.clear() // in the new history, their ids may belong to other participants; restartAll queues the leaves that are needed
	for _, one := range s.subscribers.byConnection {
		one.logged = s.roster.idOf(one.connection)
		one.historyChanged(position)
	}
}

// restartAll makes all Sessions call Session.Restart. If a participant of this node has no Session any more, because
// the log has lost the leave, it queues the leave again.
func (s *state) restartAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.subscribers.byConnection {
		one.listener.Restart()
	}
	for _, e := range s.roster.entries {
		if e.Node == s.node && s.subscribers.byConnection[e.Connection] == nil {
			s.leaves.add(domain.LeaveChat{Participant: e.ID, Cause: domain.LeaveConnectionLost, Node: e.Node, NameKey: e.nameKey})
		}
	}
}

// idOf returns the participant of a connection according to the roster, or 0 if there is none.
func (s *state) idOf(connection string) domain.ParticipantID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.roster.idOf(connection)
}

// nameKeyOf returns the key of a participant's name according to the log. If the roster does not contain the
// participant, it returns otherwise.
func (s *state) nameKeyOf(id domain.ParticipantID, otherwise string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.roster.entries[id]; e != nil {
		return e.nameKey
	}
	return otherwise
}

// find returns the participant of a connection. If the roster does not contain the participant, one is the Session of
// the connection on this node, or nil if there is none. entering is then closed when the Session's Enter has succeeded
// or failed; it is nil if the Session is not entering.
func (s *state) find(connection string) (id domain.ParticipantID, one *subscriber, entering <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.roster.byConnection[connection]; e != nil {
		return e.ID, nil, nil
	}
	if one := s.subscribers.byConnection[connection]; one != nil {
		return one.participant, one, one.entering
	}
	return 0, nil, nil
}
