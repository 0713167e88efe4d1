package domain

import (
	"slices"
	"time"
)

// maxDenied is how many people one room keeps out at once: every decision about the room carries them along.
const maxDenied = 500

// denies answers whether the room keeps a person out.
func (l Live) denies(u UserID, now time.Time) bool {
	return slices.ContainsFunc(l.Denied, func(d Denial) bool { return d.User == u && d.Holds(now) })
}

// openTo answers nil while a person may join, comment and give in room id.
func (l Live) openTo(see View, id LiveID) error {
	if err := l.open(id); err != nil {
		return err
	}
	if l.denies(see.By.User, see.Now) {
		return refuse(CodeDenied, "you are kept out of live %d", id)
	}
	return nil
}

// DenyViewer asks to keep a person out of one room. The streamer may, and an operator.
type DenyViewer struct {
	Live    LiveID `json:"live"`
	User    UserID `json:"user"`
	Seconds int64  `json:"seconds"` // for how long; 0: for good
	Reason  string `json:"reason"`  // told the person: at most 100 characters, may be empty
}

// Type implements Command.
func (DenyViewer) Type() string { return "viewer.deny" }

// Reads implements Command.
func (c DenyViewer) Reads(Actor) []Stream { return []Stream{liveOf(c.Live), userOf(c.User)} }

func (c DenyViewer) decide(see View) ([]Event, error) {
	live, user := see.Live(c.Live), see.User(c.User)
	if err := see.moderates(live, c.Live); err != nil {
		return nil, err
	}
	d, err := denial(c.User, see.Now, c.Seconds)
	if err != nil {
		return nil, err
	}
	reason, err := text("reason", c.Reason, 0, maxReason)
	switch {
	case err != nil:
		return nil, err
	case !user.Registered || user.Forgotten:
		return nil, refuse(CodeUserUnavailable, "there is no user %d", c.User)
	case c.User == live.Streamer:
		return nil, refuse(CodeBadRequest, "a streamer cannot be kept out of the own room: end it instead")
	case slices.Contains(live.Denied, d): // for good
		return nil, nil
	case !live.denies(c.User, see.Now) && len(live.stillDenied(see.Now.Unix())) >= maxDenied:
		return nil, refuse(CodeNumber, "a room keeps %d people out at most", maxDenied)
	}
	return []Event{ViewerDenied{c.Live, c.User, see.Now.Unix(), d.Until, reason}}, nil
}

// stillDenied answers the denials that hold at a time in Unix seconds.
func (l Live) stillDenied(at int64) []Denial {
	return slices.DeleteFunc(slices.Clone(l.Denied), func(d Denial) bool { return !d.Holds(time.Unix(at, 0)) })
}

// ViewerDenied says that a person is kept out of one room.
type ViewerDenied struct {
	Live   LiveID `json:"live"`
	User   UserID `json:"user"`
	From   int64  `json:"from"`   // in Unix seconds
	Until  int64  `json:"until"`  // in Unix seconds; 0: for good
	Reason string `json:"reason"` // told the person; may be empty
}

// Type implements Event.
func (ViewerDenied) Type() string { return "viewer.denied.v1" }

// Stream implements Event.
func (e ViewerDenied) Stream() Stream { return liveOf(e.Live) }

// InLive implements LiveEvent.
func (e ViewerDenied) InLive() LiveID { return e.Live }

// ByUser implements UserEvent.
func (e ViewerDenied) ByUser() UserID { return e.User }

func (e ViewerDenied) evolve(l Live) Live {
	l.Denied = append(l.allowing(e.User).stillDenied(e.From), Denial{e.User, e.Until})
	return l
}

func (e *ViewerDenied) personal() (UserID, []*string) { return e.User, []*string{&e.Reason} }

// AllowViewer asks to let a person in again who is kept out of one room. The streamer may, and an operator.
type AllowViewer struct {
	Live LiveID `json:"live"`
	User UserID `json:"user"`
}

// Type implements Command.
func (AllowViewer) Type() string { return "viewer.allow" }

// Reads implements Command.
func (c AllowViewer) Reads(Actor) []Stream { return []Stream{liveOf(c.Live)} }

func (c AllowViewer) decide(see View) ([]Event, error) {
	live := see.Live(c.Live)
	if err := see.moderates(live, c.Live); err != nil || !live.denies(c.User, see.Now) {
		return nil, err
	}
	return []Event{ViewerAllowed(c)}, nil
}

// ViewerAllowed says that a person is not kept out of a room any more.
type ViewerAllowed struct {
	Live LiveID `json:"live"`
	User UserID `json:"user"`
}

// Type implements Event.
func (ViewerAllowed) Type() string { return "viewer.allowed.v1" }

// Stream implements Event.
func (e ViewerAllowed) Stream() Stream { return liveOf(e.Live) }

// InLive implements LiveEvent.
func (e ViewerAllowed) InLive() LiveID { return e.Live }

// ByUser implements UserEvent.
func (e ViewerAllowed) ByUser() UserID { return e.User }

func (e ViewerAllowed) evolve(l Live) Live { return l.allowing(e.User) }

// allowing is l without a denial of a person.
func (l Live) allowing(u UserID) Live {
	l.Denied = slices.DeleteFunc(slices.Clone(l.Denied), func(d Denial) bool { return d.User == u })
	if len(l.Denied) == 0 {
		l.Denied = nil
	}
	return l
}
