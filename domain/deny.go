package domain

import "time"

// maxDenial bounds for how long somebody is kept out, in seconds: ten years, and then it may be for good.
const maxDenial = 10 * 365 * 24 * 3600

// Denial is somebody being kept out.
type Denial struct {
	User  UserID `json:"user"`
	Until int64  `json:"until"` // in Unix seconds; 0: for good
}

// Holds says whether the denial still keeps its person out.
func (d Denial) Holds(now time.Time) bool {
	return d.User != 0 && (d.Until == 0 || now.Unix() < d.Until)
}

// denial answers one of a person from now on, for so many seconds or, with 0, for good.
func denial(u UserID, now time.Time, seconds int64) (Denial, error) {
	switch {
	case seconds < 0 || seconds > maxDenial:
		return Denial{}, refuse(CodeNumber, "somebody is kept out for 1 to %d seconds, or with 0 for good", maxDenial)
	case seconds == 0:
		return Denial{u, 0}, nil
	}
	return Denial{u, now.Unix() + seconds}, nil
}

// DenyUser asks to keep a person out of everything for a time, or until the person is allowed again.
type DenyUser struct {
	User    UserID   `json:"user"`
	Seconds int64    `json:"seconds"` // for how long; 0: for good
	Reason  string   `json:"reason"`  // told the person: at most 100 characters, may be empty
	Lives   []LiveID `json:"-"`       // rooms of the person, which end if they are on air
}

// Type implements Command.
func (DenyUser) Type() string { return "user.deny" }

// Reads implements Command.
func (c DenyUser) Reads(Actor) []Stream { return append(livesOf(c.Lives), userOf(c.User)) }

func (c DenyUser) decide(see View) ([]Event, error) {
	user, err := see.known(c.User)
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
	ended := see.ended(c.User, c.Lives)
	if user.Denied == d { // for good
		return ended, nil
	}
	return append([]Event{UserDenied{c.User, d.Until, reason}}, ended...), nil
}

// UserDenied says that a person is kept out of everything.
type UserDenied struct {
	User   UserID `json:"user"`
	Until  int64  `json:"until"`  // in Unix seconds; 0: for good
	Reason string `json:"reason"` // told the person; may be empty
}

// Type implements Event.
func (UserDenied) Type() string { return "user.denied.v1" }

// Stream implements Event.
func (e UserDenied) Stream() Stream { return userOf(e.User) }

// ByUser implements UserEvent.
func (e UserDenied) ByUser() UserID { return e.User }

func (e UserDenied) evolve(u User) User { u.Denied = Denial{e.User, e.Until}; return u }

func (e *UserDenied) personal() (UserID, []*string) { return e.User, []*string{&e.Reason} }

// AllowUser asks to let a person in again who is kept out.
type AllowUser struct {
	User UserID `json:"user"`
}

// Type implements Command.
func (AllowUser) Type() string { return "user.allow" }

// Reads implements Command.
func (c AllowUser) Reads(Actor) []Stream { return []Stream{userOf(c.User)} }

func (c AllowUser) decide(see View) ([]Event, error) {
	user, err := see.known(c.User)
	if err != nil || !user.Denied.Holds(see.Now) {
		return nil, err
	}
	return []Event{UserAllowed(c)}, nil
}

// UserAllowed says that a person is not kept out any more.
type UserAllowed struct {
	User UserID `json:"user"`
}

// Type implements Event.
func (UserAllowed) Type() string { return "user.allowed.v1" }

// Stream implements Event.
func (e UserAllowed) Stream() Stream { return userOf(e.User) }

// ByUser implements UserEvent.
func (e UserAllowed) ByUser() UserID { return e.User }

func (UserAllowed) evolve(u User) User { u.Denied = Denial{}; return u }
