package socketio

import (
	"context"
	"log/slog"
	"time"

	"roomlog/domain"
	"roomlog/realtime/hub"
	"roomlog/realtime/socketio/protocol"
)

// patience bounds what one message asks for; the log answers before.
const patience = 15 * time.Second

// visitor is a socket and the people in whose names it is in rooms. Its fields are used by the goroutine that
// handles the socket's events.
type visitor struct {
	door   *Door
	socket *protocol.Socket
	guests map[domain.UserID]*guest
	chats  *chatter // nil: it has no part in the chat
}

// connected makes the visitor of a new socket, and says what it hears. The live rooms are for every socket,
// whatever else its handshake asks for.
func (d *Door) connected(k *protocol.Socket) {
	v := &visitor{door: d, socket: k, guests: make(map[domain.UserID]*guest)}
	k.OnDisconnect(v.gone)
	d.know(v, true)
	v.hearLive()
	switch profileOf(k.Query()) {
	case profileExchange:
		v.hearExchange()
	case profilePushed:
		v.hearPushed()
	case profileHistory:
		v.hearHistory()
	default:
		v.hearPlain()
	}
	if was, ok := k.Restored().(*lost); ok {
		v.comeBack(was)
	}
}

// gone takes the socket out of everything.
func (v *visitor) gone(reason string) {
	v.door.know(v, false)
	cause := domain.LeaveConnectionLost
	if reason == protocol.ServerDisconnect {
		cause = domain.LeaveRemoved
	}
	if profileOf(v.socket.Query()) == profilePlain && !v.chats.known() { // the others begin anew
		v.socket.Keep(v.keep())
	}
	for _, g := range v.guests {
		for live := range g.rooms {
			v.leave(g, live, cause)
		}
	}
}

// handler makes a handler of an event out of what it does. A refusal is told the socket; quietly, if the person
// did not ask for anything.
func (v *visitor) handler(quiet bool, do func(context.Context, *protocol.Event) error) func(*protocol.Event) {
	return func(e *protocol.Event) {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := do(ctx, e); err != nil {
			v.refuse(ctx, e.Name, err, quiet)
		}
	}
}

// refuse tells the socket what went wrong; our own faults are logged here, once, and never told.
func (v *visitor) refuse(ctx context.Context, event string, err error, quiet bool) {
	no, ours := hub.ProblemOf(err)
	if ours {
		v.door.cfg.Log.ErrorContext(ctx, "an event failed", slog.String("event", event), slog.Any("err", err))
	}
	v.socket.Emit(v.socket.ID(), notice{
		Meta: noticeMeta{v.door.cfg.Now().UnixMilli(), quiet},
		Data: noticeData{"error", no.TextZH, no.Code, no.Text},
	})
}

// pairs is how often somebody is in a room by this socket.
func (v *visitor) pairs() (n int) {
	for _, g := range v.guests {
		n += len(g.rooms)
	}
	return n
}

// guest answers the guest of a caller, who is registered if it was not before.
func (v *visitor) guest(ctx context.Context, caller hub.Identity) (*guest, error) {
	if g := v.guests[caller.User]; g != nil {
		return g, nil
	}
	g := &guest{visitor: v, rooms: make(map[domain.LiveID]*room), caller: caller}
	if _, err := v.door.cfg.Hub.Register(ctx, caller.User, g); err != nil {
		return nil, err
	}
	v.guests[caller.User] = g
	return g, nil
}

// join puts a caller into a room by this socket. With replay it is told what happened in it after the position
// since; in any case it gets the list of who is there.
func (v *visitor) join(ctx context.Context, caller hub.Identity, live domain.LiveID, replay bool, since int64) error {
	known := v.guests[caller.User]
	again := known != nil && known.rooms[live] != nil
	if !again {
		if err := v.door.cfg.Hub.CheckLives(v.pairs()); err != nil {
			return err
		}
	}
	g, err := v.guest(ctx, caller)
	if err != nil {
		return err
	}
	before := g.Identity()
	g.renew(caller)
	entered, err := v.door.cfg.Hub.Enter(ctx, g, live)
	if err != nil {
		g.renew(before)
		v.part(g)
		return err
	}
	if !again {
		g.rooms[live] = v.door.hold(live)
	}
	if err := g.rooms[live].admit(ctx, v, arrival{caller.User, entered, replay, since}); err != nil {
		v.leave(g, live, domain.LeaveConnectionLost)
		return err
	}
	return nil
}

// leave takes a guest out of a room.
func (v *visitor) leave(g *guest, live domain.LiveID, cause domain.LeaveCause) {
	r := g.rooms[live]
	delete(g.rooms, live)
	elsewhere := false
	for _, other := range v.guests {
		elsewhere = elsewhere || other.rooms[live] != nil
	}
	if !elsewhere {
		r.remove(v)
	}
	v.door.release(r)
	v.door.cfg.Hub.Leave(g, live, cause)
	v.part(g)
}

// part forgets a guest that is in no room.
func (v *visitor) part(g *guest) {
	if len(g.rooms) == 0 {
		delete(v.guests, g.user())
		v.door.cfg.Hub.Unregister(g.user(), g)
	}
}
