package realtime

import (
	"context"
	"fmt"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
)

// Client is somebody at this door in one person's name: a connection of the native dialect, or in another
// dialect whatever is its like. What people may do here, and for how long, is the same in all of them.
type Client interface {
	// Caller is who it is; the zero Caller as long as that is not known.
	Identity() Identity
	// Gone says that there is nobody any more.
	Ended() bool
	// Told is called for every fact of the person's private lane, in order. It must not wait.
	DeliverPrivate(d projections.Delta)
	// Dismiss is called when the person may not be here any more, and why. It must not wait.
	Revoke(no *domain.Refusal)
	// Kick is called when an operator puts the guest out; its client is to stay away. The reason may be empty.
	// It must not wait.
	Kick(reason string)
	// Expel is called when the person may not be in one room any more, whether the guest is in it or not. The
	// reason may be empty. It must not wait.
	BanFrom(live domain.LiveID, reason string)
}

// actor is in whose name a command of the caller's is carried out.
func (c Identity) actor() domain.Actor { return domain.AuthenticatedActor(c.User, c.Session) }

// Verify answers whom a token names, or a *domain.Refusal.
func (d *Door) Verify(token string) (Identity, error) { return d.cfg.Verify(token) }

func (d *Door) expired(c Identity) bool {
	return !c.Expires.IsZero() && !d.cfg.Now().Before(c.Expires)
}

// Register registers a guest whose Caller is known, unless the person has too many. It is told what the
// person's private lane says after the position that is answered.
func (d *Door) Register(ctx context.Context, g Client) (at int64, err error) {
	return d.receive(ctx, g.Identity().User, g)
}

func (d *Door) receive(ctx context.Context, user domain.UserID, g Client) (at int64, err error) {
	if err := heard(ctx, d.hub); err != nil {
		return 0, err
	}
	at, ok := d.hub.enter(user, g)
	if !ok {
		return 0, newProblem(codeManyConns, "this person has too many connections").after(busyRetry)
	}
	return at, nil
}

// Unregister is the end of what Receive began.
func (d *Door) Unregister(g Client) { d.hub.exit(g.Identity().User, g) }

// CheckLives refuses a connection that is in as many rooms as one may be in.
func (d *Door) CheckLives(rooms int) error {
	if rooms >= d.cfg.MaxRooms {
		return newProblem(codeManyRooms, fmt.Sprintf("a connection is in %d rooms at most", d.cfg.MaxRooms))
	}
	return nil
}

// Enter makes a guest present in a room as of a position, or answers why it may not be. Also a guest that is
// there already is asked for, for the log knows whether the session holds and the room is open.
func (d *Door) Enter(ctx context.Context, g Client, live domain.LiveID) (position int64, err error) {
	return d.presence.enter(ctx, g, live)
}

// Leave says that a guest is not in a room any more. The person has left with the last one. It does not wait.
func (d *Door) Leave(g Client, live domain.LiveID, cause domain.LeaveCause) {
	d.presence.exit(g, live, cause)
}

// Drain says that this process ends: from now on nobody leaves a room by it. See Shutdown.
func (d *Door) Drain() { d.presence.stop() }

// Position is up to where rooms and people have been told everything.
func (d *Door) Position() int64 { return d.hub.asOf.Load() }

// Execute carries out what a person asks for, at the pace that a person may have.
func (d *Door) Execute(ctx context.Context, by Identity, c domain.Command, key string) (eventstore.Receipt, error) {
	if err := d.rates.allow(by.User, c); err != nil {
		return eventstore.Receipt{}, err
	}
	return d.cfg.Commands.Execute(ctx, domain.Request{Command: c, Actor: by.actor(), IdempotencyKey: key})
}
