package chat

import "roomlog/domain"

// maxPending is the maximum number of updates that wait for the start of a subscription. If there are more, the Session
// is reset.
const maxPending = 1000

// subscribers contains the Sessions of this node and their subscriptions. "" stands for the public chat. The caller of
// each method must have locked the state.
type subscribers struct {
	byConnection map[string]*subscriber
	byRoom       map[domain.ChatRoomID]map[*subscriber]struct{}
}

// subscriber is the part of a Session that receives updates.
type subscriber struct {
	connection string
	listener   Listener

	subscriptions map[domain.ChatRoomID]*subscription
	participant   domain.ParticipantID // participant of the Session, set when Enter has succeeded; 0 if there is none
	logged        domain.ParticipantID // participant of the connection according to the log; 0 if there is none yet
	entering      chan struct{}        // closed when Enter has succeeded or failed; nil if the Session is not entering
}

// subscription is the subscription of one Session to one chat room.
type subscription struct {
	started bool
	void    bool      // whether the history of the log has changed before the start
	since   int64     // position of the first update that is delivered
	pending []*Update // updates that wait for the start
}

func newSubscribers() subscribers {
	return subscribers{
		byConnection: make(map[string]*subscriber), byRoom: make(map[domain.ChatRoomID]map[*subscriber]struct{}),
	}
}

func (s subscribers) add(connection string, listener Listener) *subscriber {
	one := &subscriber{connection: connection, listener: listener, subscriptions: make(map[domain.ChatRoomID]*subscription)}
	s.byConnection[connection] = one
	return one
}

func (s subscribers) remove(one *subscriber) {
	for room := range one.subscriptions {
		s.unsubscribe(one, room)
	}
	if s.byConnection[one.connection] == one {
		delete(s.byConnection, one.connection)
	}
}

func (s subscribers) subscribe(one *subscriber, room domain.ChatRoomID) {
	if one.subscriptions[room] != nil {
		return
	}
	one.subscriptions[room] = &subscription{}
	if s.byRoom[room] == nil {
		s.byRoom[room] = make(map[*subscriber]struct{})
	}
	s.byRoom[room][one] = struct{}{}
}

func (s subscribers) unsubscribe(one *subscriber, room domain.ChatRoomID) {
	delete(one.subscriptions, room)
	delete(s.byRoom[room], one)
	if len(s.byRoom[room]) == 0 {
		delete(s.byRoom, room)
	}
}

// deliver delivers an update once to each subscriber of any of the chat rooms.
func (s subscribers) deliver(u *Update, rooms ...domain.ChatRoomID) {
	if len(rooms) == 1 {
		for one := range s.byRoom[rooms[0]] {
			one.deliver(u, rooms[0])
		}
		return
	}
	done := make(map[*subscriber]bool)
	for _, room := range rooms {
		for one := range s.byRoom[room] {
			if !done[one] {
				done[one] = one.deliver(u, room)
			}
		}
	}
}

// deliver delivers or queues an update. It reports false if the update is older than the start of the subscription.
func (s *subscriber) deliver(u *Update, room domain.ChatRoomID) bool {
	switch sub := s.subscriptions[room]; {
	case sub.started && u.Position < sub.since:
		return false
	case sub.started:
		s.listener.Deliver(u)
	case len(sub.pending) < maxPending:
		sub.pending = append(sub.pending, u)
	default:
		s.listener.Reset()
	}
	return true
}

// start starts a subscription: it delivers the updates of a chat room whose position is position or later.
func (s *subscriber) start(room domain.ChatRoomID, position int64) {
	sub := s.subscriptions[room]
	if sub == nil || sub.started {
		return
	}
	if sub.void {
		s.listener.Reset() // the caller has used a position of the former history
		return
	}
	sub.started, sub.since = true, position
	for _, u := range sub.pending {
		s.deliver(u, room)
	}
	sub.pending = nil
}

// historyChanged makes the subscriptions continue with the updates after position.
func (s *subscriber) historyChanged(position int64) {
	for _, sub := range s.subscriptions {
		sub.void, sub.since, sub.pending = !sub.started, position+1, nil
	}
}

// pause queues the updates of a chat room. To continue, pass the returned position to start.
func (s *subscriber) pause(room domain.ChatRoomID) (since int64) {
	if sub := s.subscriptions[room]; sub != nil {
		sub.started, since = false, sub.since
	}
	return since
}
