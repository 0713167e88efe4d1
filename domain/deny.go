package domain

import "time"

// maxDenial bounds for how long somebody is kept out, in seconds: ten years, and then it may be for good.
const maxDenial = 10 * 365 * 24 * 3600

// Ban is somebody being kept out.
type Ban struct {
	User  UserID `json:"user"`
	Until int64  `json:"until"` // in Unix seconds; 0: for good
}

// Active says whether the denial still keeps its person out.
func (d Ban) Active(now time.Time) bool {
	return d.User != 0 && (d.Until == 0 || now.Unix() < d.Until)
}

// denial answers one of a person from now on, for so many seconds or, with 0, for good.
func denial(u UserID, now time.Time, seconds int64) (Ban, error) {
	switch {
	case seconds < 0 || seconds > maxDenial:
		return Ban{}, refuse(CodeNumberOutOfRange, "somebody is kept out for 1 to %d seconds, or with 0 for good", maxDenial)
	case seconds == 0:
		return Ban{u, 0}, nil
	}
	return Ban{u, now.Unix() + seconds}, nil
}

// BanUser asks to keep a person out of everything for a time, or until the person is allowed again.
type BanUser struct {
	User    UserID   `json:"user"`
	Seconds int64    `json:"seconds"` // for how long; 0: for good
	Reason  string   `json:"reason"`  // told the person: at most 100 characters, may be empty
	Lives   []LiveID `json:"-"`       // rooms of the person, which end if they are on air
}

// Type implements Command.
func (BanUser) Type() string { return "user.ban" }

// Reads implements Command.
func (c BanUser) Reads(Actor) []Stream { return append(livesOf(c.Lives), userOf(c.User)) }

func (c BanUser) decide(see View) ([]Event, error) {
	user, err := see.existingUser(c.User)
	if err != nil {
		return nil, err
	}
	d, err := denial(c.User, see.Now, c.Seconds)
	if err != nil {
		return nil, err
	}
	reason, err := text("reason", c.Reason, 0, maxReason)
	if err != nil {
		return nil, err
	}
	ended := see.endLives(c.User, c.Lives, reason)
	if user.Ban == d { // for good
		return ended, nil
	}
	return append([]Event{UserBanned{c.User, d.Until, reason}}, ended...), nil
}

// UserBanned says that a person is kept out of everything.
type UserBanned struct {
	User   UserID `json:"user"`
	Until  int64  `json:"until"`  // in Unix seconds; 0: for good
	Reason string `json:"reason"` // told the person; may be empty
}

// Type implements Event.
func (UserBanned) Type() string { return "user.banned.v1" }

// Stream implements Event.
func (e UserBanned) Stream() Stream { return userOf(e.User) }

// EventUser implements UserEvent.
func (e UserBanned) EventUser() UserID { return e.User }

func (e UserBanned) evolve(u User) User { u.Ban = Ban{e.User, e.Until}; return u }

func (e *UserBanned) personal() (UserID, []*string) { return e.User, []*string{&e.Reason} }

// UnbanUser asks to let a person in again who is kept out.
type UnbanUser struct {
	User   UserID `json:"user"`
	Reason string `json:"reason"` // for the record: at most 100 characters, may be empty
}

// Type implements Command.
func (UnbanUser) Type() string { return "user.unban" }

// Reads implements Command.
func (c UnbanUser) Reads(Actor) []Stream { return []Stream{userOf(c.User)} }

func (c UnbanUser) decide(see View) ([]Event, error) {
	user, err := see.existingUser(c.User)
	if err != nil || !user.Ban.Active(see.Now) {
		return nil, err
	}
	if c.Reason, err = operatorReason(c.Reason); err != nil {
		return nil, err
	}
	return []Event{UserUnbanned(c)}, nil
}

// UserUnbanned says that a person is not kept out any more.
type UserUnbanned struct {
	User   UserID `json:"user"`
	Reason string `json:"reason"` // why, as the operator put it; may be empty
}

// Type implements Event.
func (UserUnbanned) Type() string { return "user.unbanned.v1" }

// Stream implements Event.
func (e UserUnbanned) Stream() Stream { return userOf(e.User) }

// EventUser implements UserEvent.
func (e UserUnbanned) EventUser() UserID { return e.User }

func (UserUnbanned) evolve(u User) User { u.Ban = Ban{}; return u }

func (e *UserUnbanned) personal() (UserID, []*string) { return e.User, []*string{&e.Reason} }
