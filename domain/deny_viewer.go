package domain

import (
	"slices"
	"time"
)

// maxDenied is how many people one room keeps out at once: every decision about the room carries them along.
const maxDenied = 500

// denies answers whether the room keeps a person out.
func (l Live) denies(u UserID, now time.Time) bool {
	return slices.ContainsFunc(l.Bans, func(d Ban) bool { return d.User == u && d.Active(now) })
}

// openTo answers nil while a person may join, comment and give in room id.
func (l Live) openTo(see View, id LiveID) error {
	if err := l.open(id); err != nil {
		return err
	}
	if l.denies(see.Actor.User, see.Now) {
		return refuse(CodeBanned, "you are kept out of live %d", id)
	}
	return nil
}

// BanViewer asks to keep a person out of one room. The streamer may, and an operator.
type BanViewer struct {
	Live    LiveID `json:"live"`
	User    UserID `json:"user"`
	Seconds int64  `json:"seconds"` // for how long; 0: for good
	Reason  string `json:"reason"`  // told the person: at most 100 characters, may be empty
}

// Type implements Command.
func (BanViewer) Type() string { return "viewer.ban" }

// Reads implements Command.
func (c BanViewer) Reads(Actor) []Stream { return []Stream{liveOf(c.Live), userOf(c.User)} }

func (c BanViewer) decide(see View) ([]Event, error) {
	live, user := see.Live(c.Live), see.User(c.User)
	if err := see.checkModerator(live, c.Live); err != nil {
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
	case slices.Contains(live.Bans, d): // for good
		return nil, nil
	case !live.denies(c.User, see.Now) && len(live.stillDenied(see.Now.Unix())) >= maxDenied:
		return nil, refuse(CodeNumberOutOfRange, "a room keeps %d people out at most", maxDenied)
	}
	return []Event{ViewerBanned{c.Live, c.User, see.Now.Unix(), d.Until, reason}}, nil
}

// stillDenied answers the denials that hold at a time in Unix seconds.
func (l Live) stillDenied(at int64) []Ban {
	return slices.DeleteFunc(slices.Clone(l.Bans), func(d Ban) bool { return !d.Active(time.Unix(at, 0)) })
}

// ViewerBanned says that a person is kept out of one room.
type ViewerBanned struct {
	Live   LiveID `json:"live"`
	User   UserID `json:"user"`
	From   int64  `json:"from"`   // in Unix seconds
	Until  int64  `json:"until"`  // in Unix seconds; 0: for good
	Reason string `json:"reason"` // told the person; may be empty
}

// Type implements Event.
func (ViewerBanned) Type() string { return "viewer.banned.v1" }

// Stream implements Event.
func (e ViewerBanned) Stream() Stream { return liveOf(e.Live) }

// EventLive implements LiveEvent.
func (e ViewerBanned) EventLive() LiveID { return e.Live }

// EventUser implements UserEvent.
func (e ViewerBanned) EventUser() UserID { return e.User }

func (e ViewerBanned) evolve(l Live) Live {
	l.Bans = append(l.allowing(e.User).stillDenied(e.From), Ban{e.User, e.Until})
	return l
}

func (e *ViewerBanned) personal() (UserID, []*string) { return e.User, []*string{&e.Reason} }

// UnbanViewer asks to let a person in again who is kept out of one room. The streamer may, and an operator.
type UnbanViewer struct {
	Live   LiveID `json:"live"`
	User   UserID `json:"user"`
	Reason string `json:"reason"` // for the record: at most 100 characters, may be empty
}

// Type implements Command.
func (UnbanViewer) Type() string { return "viewer.unban" }

// Reads implements Command.
func (c UnbanViewer) Reads(Actor) []Stream { return []Stream{liveOf(c.Live)} }

func (c UnbanViewer) decide(see View) ([]Event, error) {
	live := see.Live(c.Live)
	err := see.checkModerator(live, c.Live)
	if err != nil || !live.denies(c.User, see.Now) {
		return nil, err
	}
	if c.Reason, err = operatorReason(c.Reason); err != nil {
		return nil, err
	}
	return []Event{ViewerUnbanned(c)}, nil
}

// ViewerUnbanned says that a person is not kept out of a room any more.
type ViewerUnbanned struct {
	Live   LiveID `json:"live"`
	User   UserID `json:"user"`
	Reason string `json:"reason"` // why, as the operator put it; may be empty
}

// Type implements Event.
func (ViewerUnbanned) Type() string { return "viewer.unbanned.v1" }

// Stream implements Event.
func (e ViewerUnbanned) Stream() Stream { return liveOf(e.Live) }

// EventLive implements LiveEvent.
func (e ViewerUnbanned) EventLive() LiveID { return e.Live }

// EventUser implements UserEvent.
func (e ViewerUnbanned) EventUser() UserID { return e.User }

func (e ViewerUnbanned) evolve(l Live) Live { return l.allowing(e.User) }

// allowing is l without a denial of a person.
func (l Live) allowing(u UserID) Live {
	l.Bans = slices.DeleteFunc(slices.Clone(l.Bans), func(d Ban) bool { return d.User == u })
	if len(l.Bans) == 0 {
		l.Bans = nil
	}
	return l
}
