package domain

import "slices"

// BanUser excludes a user from the whole service, temporarily or permanently. It also ends the user's lives that are
// on air or paused.
type BanUser struct {
	User    UserID   `json:"user"`    // the user to exclude
	Seconds int64    `json:"seconds"` // duration of the ban in seconds: 1 to 315,360,000 (ten years), or 0 for a permanent ban
	Reason  string   `json:"reason"`  // the operator's reason, shown to the user: at most 100 characters, may be empty
	Lives   []LiveID `json:"-"`       // lives of the user; the command ends those that are on air or paused
}

func (BanUser) Type() string { return "user.ban" }

func (c BanUser) Reads(Actor) []Stream { return append(liveStreams(c.Lives), userStream(c.User)) }

func (c BanUser) decide(view View) ([]Event, error) {
	user, err := view.existingUser(c.User)
	if err != nil {
		return nil, err
	}
	ban, err := newBan(c.User, view.Now, c.Seconds)
	if err != nil {
		return nil, err
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	ended := view.endLives(c.User, c.Lives, reason)
	if user.Ban == ban { // only permanent bans can be equal, because temporary bans end at different times
		return ended, nil
	}
	return append([]Event{UserBanned{c.User, ban.Until, reason}}, ended...), nil
}

// UserBanned records that a user is excluded from the whole service.
type UserBanned struct {
	User   UserID `json:"user"`   // the user who is excluded
	Until  int64  `json:"until"`  // end of the ban in Unix seconds; 0: permanent
	Reason string `json:"reason"` // the operator's reason, shown to the user; may be empty
}

func (UserBanned) Type() string                     { return "user.banned.v1" }
func (e UserBanned) Stream() Stream                 { return userStream(e.User) }
func (e UserBanned) EventUser() UserID              { return e.User }
func (e UserBanned) evolve(u User) User             { u.Ban = Ban{e.User, e.Until}; return u }
func (e *UserBanned) personal() (UserID, []*string) { return e.User, []*string{&e.Reason} }

// UnbanUser ends the ban of a user.
type UnbanUser struct {
	User   UserID `json:"user"`   // the user whose ban ends
	Reason string `json:"reason"` // the operator's reason, stored in the event: at most 100 characters, may be empty
}

func (UnbanUser) Type() string { return "user.unban" }

func (c UnbanUser) Reads(Actor) []Stream { return []Stream{userStream(c.User)} }

func (c UnbanUser) decide(view View) ([]Event, error) {
	user, err := view.existingUser(c.User)
	if err != nil || !user.Ban.Active(view.Now) {
		return nil, err
	}
	if c.Reason, err = operatorReason(c.Reason); err != nil {
		return nil, err
	}
	return []Event{UserUnbanned(c)}, nil
}

// UserUnbanned records that the ban of a user has been ended.
type UserUnbanned struct {
	User   UserID `json:"user"`   // the user whose ban ended
	Reason string `json:"reason"` // the operator's reason; may be empty
}

func (UserUnbanned) Type() string                     { return "user.unbanned.v1" }
func (e UserUnbanned) Stream() Stream                 { return userStream(e.User) }
func (e UserUnbanned) EventUser() UserID              { return e.User }
func (UserUnbanned) evolve(u User) User               { u.Ban = Ban{}; return u }
func (e *UserUnbanned) personal() (UserID, []*string) { return e.User, []*string{&e.Reason} }

// maxLiveBans is the maximum number of active bans of one live. There is a maximum because every decision about the
// live loads all its bans.
const maxLiveBans = 500

// BanViewer excludes a user from one live. The streamer of the live and operators may issue this command.
type BanViewer struct {
	Live    LiveID `json:"live"`    // the live from which the user is excluded
	User    UserID `json:"user"`    // the user to exclude
	Seconds int64  `json:"seconds"` // duration of the ban in seconds: 1 to 315,360,000 (ten years), or 0 for a permanent ban
	Reason  string `json:"reason"`  // the reason, shown to the user: at most 100 characters, may be empty
}

func (BanViewer) Type() string { return "viewer.ban" }

func (c BanViewer) Reads(Actor) []Stream { return []Stream{liveStream(c.Live), userStream(c.User)} }

func (c BanViewer) decide(view View) ([]Event, error) {
	live, user := view.Live(c.Live), view.User(c.User)
	if err := view.checkModerator(live, c.Live); err != nil {
		return nil, err
	}
	ban, err := newBan(c.User, view.Now, c.Seconds)
	if err != nil {
		return nil, err
	}
	reason, err := operatorReason(c.Reason)
	switch {
	case err != nil:
		return nil, err
	case !user.Registered || user.Forgotten:
		return nil, refuse(CodeUserUnavailable, "there is no user %d", c.User)
	case c.User == live.Streamer:
		return nil, refuse(CodeBadRequest, "the streamer cannot be banned from the own live: end the live instead")
	case slices.Contains(live.Bans, ban): // only permanent bans can be equal, because temporary bans end at different times
		return nil, nil
	case !live.bans(c.User, view.Now) && len(live.activeBans(view.Now)) >= maxLiveBans:
		return nil, refuse(CodeNumberOutOfRange, "a live must have at most %d banned users", maxLiveBans)
	}
	return []Event{ViewerBanned{c.Live, c.User, view.Now.Unix(), ban.Until, reason}}, nil
}

// ViewerBanned records that a user is excluded from one live.
type ViewerBanned struct {
	Live   LiveID `json:"live"`   // the live from which the user is excluded
	User   UserID `json:"user"`   // the user who is excluded
	From   int64  `json:"from"`   // start of the ban in Unix seconds
	Until  int64  `json:"until"`  // end of the ban in Unix seconds; 0: permanent
	Reason string `json:"reason"` // the reason, shown to the user; may be empty
}

func (ViewerBanned) Type() string                     { return "viewer.banned.v1" }
func (e ViewerBanned) Stream() Stream                 { return liveStream(e.Live) }
func (e ViewerBanned) EventLive() LiveID              { return e.Live }
func (e ViewerBanned) EventUser() UserID              { return e.User }
func (e ViewerBanned) evolve(l Live) Live             { return l.withBan(Ban{e.User, e.Until}, e.From) }
func (e *ViewerBanned) personal() (UserID, []*string) { return e.User, []*string{&e.Reason} }

// UnbanViewer ends the ban of a user from one live. The streamer of the live and operators may issue this command.
type UnbanViewer struct {
	Live   LiveID `json:"live"`   // the live from which the user is excluded
	User   UserID `json:"user"`   // the user whose ban ends
	Reason string `json:"reason"` // the reason, stored in the event: at most 100 characters, may be empty; must not identify a person
}

func (UnbanViewer) Type() string { return "viewer.unban" }

func (c UnbanViewer) Reads(Actor) []Stream { return []Stream{liveStream(c.Live)} }

func (c UnbanViewer) decide(view View) ([]Event, error) {
	live := view.Live(c.Live)
	err := view.checkModerator(live, c.Live)
	if err != nil || !live.bans(c.User, view.Now) {
		return nil, err
	}
	if c.Reason, err = operatorReason(c.Reason); err != nil {
		return nil, err
	}
	return []Event{ViewerUnbanned(c)}, nil
}

// ViewerUnbanned records that the ban of a user from one live has been ended.
type ViewerUnbanned struct {
	Live   LiveID `json:"live"`   // the live from which the user was excluded
	User   UserID `json:"user"`   // the user whose ban ended
	Reason string `json:"reason"` // the reason; not sealed; may be empty
}

func (ViewerUnbanned) Type() string         { return "viewer.unbanned.v1" }
func (e ViewerUnbanned) Stream() Stream     { return liveStream(e.Live) }
func (e ViewerUnbanned) EventLive() LiveID  { return e.Live }
func (e ViewerUnbanned) EventUser() UserID  { return e.User }
func (e ViewerUnbanned) evolve(l Live) Live { return l.withoutBan(e.User) }
