package realtime

import (
	"context"
	"fmt"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
)

// Guest is somebody at this door in one person's name: a connection of the native dialect, or in another
// dialect whatever is its like. What people may do here, and for how long, is the same in all of them.
type Guest interface {
	// Caller is who it is; the zero Caller as long as that is not known.
	Caller() Caller
	// Gone says that there is nobody any more.
	Gone() bool
	// Told is called for every fact of the person's private lane, in order. It must not wait.
	Told(d projections.Delta)
	// Dismiss is called when the person may not be here any more, and why. It must not wait.
	Dismiss(no *domain.Refusal)
	// PutOut is called when an operator puts the guest out; its client is to stay away. The reason may be empty.
	// It must not wait.
	PutOut(reason string)
	// Expel is called when the person may not be in one room any more, whether the guest is in it or not. The
	// reason may be empty. It must not wait.
	Expel(live domain.LiveID, reason string)
}

// actor is in whose name a command of the caller's is carried out.
func (c Caller) actor() domain.Actor { return domain.PersonActor(c.User, c.Session) }

// Verify answers whom a token names, or a *domain.Refusal.
func (d *Door) Verify(token string) (Caller, error) { return d.cfg.Verify(token) }

func (d *Door) expired(c Caller) bool {
	return !c.Expires.IsZero() && !d.cfg.Now().Before(c.Expires)
}

// Receive registers a guest whose Caller is known, unless the person has too many. It is told what the
// person's private lane says after the position that is answered.
func (d *Door) Receive(ctx context.Context, g Guest) (at int64, err error) {
	return d.receive(ctx, g.Caller().User, g)
}

func (d *Door) receive(ctx context.Context, user domain.UserID, g Guest) (at int64, err error) {
	if err := heard(ctx, d.hub); err != nil {
		return 0, err
	}
	at, ok := d.hub.enter(user, g)
	if !ok {
		return 0, newProblem(codeManyConns, "this person has too many connections").after(busyRetry)
	}
	return at, nil
}

// Part is the end of what Receive began.
func (d *Door) Part(g Guest) { d.hub.exit(g.Caller().User, g) }

// OneMoreRoom refuses a connection that is in as many rooms as one may be in.
func (d *Door) OneMoreRoom(rooms int) error {
	if rooms >= d.cfg.MaxRooms {
		return newProblem(codeManyRooms, fmt.Sprintf("a connection is in %d rooms at most", d.cfg.MaxRooms))
	}
	return nil
}

// Enter makes a guest present in a room as of a position, or answers why it may not be. Also a guest that is
// there already is asked for, for the log knows whether the session holds and the room is open.
func (d *Door) Enter(ctx context.Context, g Guest, live domain.LiveID) (position int64, err error) {
	return d.presence.enter(ctx, g, live)
}

// Exit says that a guest is not in a room any more. The person has left with the last one. It does not wait.
func (d *Door) Exit(g Guest, live domain.LiveID, cause domain.LeaveCause) {
	d.presence.exit(g, live, cause)
}

// Retire says that this process ends: from now on nobody leaves a room by it. See Shutdown.
func (d *Door) Retire() { d.presence.stop() }

// Position is up to where rooms and people have been told everything.
func (d *Door) Position() int64 { return d.hub.asOf.Load() }

// Execute carries out what a person asks for, at the pace that a person may have.
func (d *Door) Execute(ctx context.Context, by Caller, c domain.Command, key string) (eventstore.Receipt, error) {
	if err := d.rates.allow(by.User, c); err != nil {
		return eventstore.Receipt{}, err
	}
	return d.cfg.Commands.Execute(ctx, domain.Request{Command: c, By: by.actor(), Key: key})
}
