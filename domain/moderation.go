package domain

import "slices"

// maxLiveBans is the maximum number of active bans of one live, and of active mutes. There is a maximum because every
// decision about the live loads all of them.
const maxLiveBans = 500

// BanViewer excludes a user from one live. The owner of the live, its moderators and operators may issue this command.
// A moderator who is banned is no longer a moderator.
type BanViewer struct {
	Live    LiveID `json:"live"`    // the live from which the user is excluded
	User    UserID `json:"user"`    // the user to exclude
	Seconds int64  `json:"seconds"` // duration of the ban in seconds: 1 to 315,360,000 (ten years), or 0 for a permanent ban
	Reason  string `json:"reason"`  // the reason, shown to the user: at most 100 characters, may be empty
}

func (BanViewer) Type() string { return "viewer.ban" }

func (c BanViewer) Reads(Actor) []Stream { return []Stream{liveStream(c.Live), userStream(c.User)} }

func (c BanViewer) decide(view View) ([]Event, error) {
	live := view.Live(c.Live)
	ban, reason, err := view.newViewerBan(live, c.Live, c.User, c.Seconds, c.Reason, live.Bans)
	if err != nil || slices.Contains(live.Bans, ban) { // only permanent bans can be equal, because temporary bans end at different times
		return nil, err
	}
	events := []Event{ViewerBanned{c.Live, c.User, view.Now.Unix(), ban.Until, reason}}
	if slices.Contains(live.Moderators, c.User) {
		events = append(events, ModeratorRemoved{c.Live, c.User, ""})
	}
	return events, nil
}

// newViewerBan returns a new ban or mute of the target in a live, and the trimmed reason. bans contains the bans, or
// the mutes, that the live has. newViewerBan refuses if the actor may not moderate the live or act on the user, or if
// bans are full.
func (v View) newViewerBan(live Live, id LiveID, target UserID, seconds int64, why string, bans []Ban) (ban Ban, reason string, err error) {
	user := v.User(target)
	if err = v.checkModerator(live, id); err != nil {
		return ban, "", err
	}
	if ban, err = newBan(target, v.Now, seconds); err != nil {
		return ban, "", err
	}
	if reason, err = operatorReason(why); err != nil {
		return ban, "", err
	}
	if !user.Registered || user.Forgotten {
		return ban, "", refuse(CodeUserUnavailable, "there is no user %d", target)
	}
	if err = v.checkTarget(live, target); err != nil {
		return ban, "", err
	}
	if !isBanned(bans, target, v.Now) && len(activeBans(bans, v.Now)) >= maxLiveBans {
		return ban, "", refuse(CodeNumberOutOfRange, "a live must have at most %d banned and %d muted users", maxLiveBans, maxLiveBans)
	}
	return ban, reason, nil
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
func (e *ViewerBanned) personal() (UserID, []*string) { return e.User, []*string{&e.Reason} }
func (e ViewerBanned) evolve(l Live) Live {
	l.Bans = withBan(l.Bans, Ban{e.User, e.Until}, e.From)
	return l
}

// UnbanViewer ends the ban of a user from one live. The owner of the live, its moderators and operators may issue this
// command.
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
	if err != nil || !isBanned(live.Bans, c.User, view.Now) {
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
func (e ViewerUnbanned) evolve(l Live) Live { l.Bans = withoutBan(l.Bans, e.User); return l }

// MuteViewer forbids a user to comment in one live, temporarily or permanently. The user may stay in the live. The owner
// of the live, its moderators and operators may issue this command.
type MuteViewer struct {
	Live    LiveID `json:"live"`    // the live in which the user may not comment
	User    UserID `json:"user"`    // the user to mute
	Seconds int64  `json:"seconds"` // duration of the mute in seconds: 1 to 315,360,000 (ten years), or 0 for a permanent mute
	Reason  string `json:"reason"`  // the reason, shown to the user: at most 100 characters, may be empty
}

func (MuteViewer) Type() string { return "viewer.mute" }

func (c MuteViewer) Reads(Actor) []Stream { return []Stream{liveStream(c.Live), userStream(c.User)} }

func (c MuteViewer) decide(view View) ([]Event, error) {
	live := view.Live(c.Live)
	mute, reason, err := view.newViewerBan(live, c.Live, c.User, c.Seconds, c.Reason, live.Mutes)
	if err != nil || slices.Contains(live.Mutes, mute) {
		return nil, err
	}
	return []Event{ViewerMuted{c.Live, c.User, view.Now.Unix(), mute.Until, reason}}, nil
}

// ViewerMuted records that a user may not comment in one live.
type ViewerMuted struct {
	Live   LiveID `json:"live"`   // the live in which the user may not comment
	User   UserID `json:"user"`   // the user who is muted
	From   int64  `json:"from"`   // start of the mute in Unix seconds
	Until  int64  `json:"until"`  // end of the mute in Unix seconds; 0: permanent
	Reason string `json:"reason"` // the reason, shown to the user; may be empty
}

func (ViewerMuted) Type() string                     { return "viewer.muted.v1" }
func (e ViewerMuted) Stream() Stream                 { return liveStream(e.Live) }
func (e ViewerMuted) EventLive() LiveID              { return e.Live }
func (e ViewerMuted) EventUser() UserID              { return e.User }
func (e *ViewerMuted) personal() (UserID, []*string) { return e.User, []*string{&e.Reason} }
func (e ViewerMuted) evolve(l Live) Live {
	l.Mutes = withBan(l.Mutes, Ban{e.User, e.Until}, e.From)
	return l
}

// UnmuteViewer ends the mute of a user in one live. The owner of the live, its moderators and operators may issue this
// command.
type UnmuteViewer struct {
	Live   LiveID `json:"live"`   // the live in which the user may not comment
	User   UserID `json:"user"`   // the user whose mute ends
	Reason string `json:"reason"` // the reason, stored in the event: at most 100 characters, may be empty; must not identify a person
}

func (UnmuteViewer) Type() string { return "viewer.unmute" }

func (c UnmuteViewer) Reads(Actor) []Stream { return []Stream{liveStream(c.Live)} }

func (c UnmuteViewer) decide(view View) ([]Event, error) {
	live := view.Live(c.Live)
	err := view.checkModerator(live, c.Live)
	if err != nil || !isBanned(live.Mutes, c.User, view.Now) {
		return nil, err
	}
	if err := view.checkTarget(live, c.User); err != nil {
		return nil, err
	}
	if c.Reason, err = operatorReason(c.Reason); err != nil {
		return nil, err
	}
	return []Event{ViewerUnmuted(c)}, nil
}

// ViewerUnmuted records that the mute of a user in one live has been ended.
type ViewerUnmuted struct {
	Live   LiveID `json:"live"`   // the live in which the user was muted
	User   UserID `json:"user"`   // the user whose mute ended
	Reason string `json:"reason"` // the reason; not sealed; may be empty
}

func (ViewerUnmuted) Type() string         { return "viewer.unmuted.v1" }
func (e ViewerUnmuted) Stream() Stream     { return liveStream(e.Live) }
func (e ViewerUnmuted) EventLive() LiveID  { return e.Live }
func (e ViewerUnmuted) EventUser() UserID  { return e.User }
func (e ViewerUnmuted) evolve(l Live) Live { l.Mutes = withoutBan(l.Mutes, e.User); return l }

// maxModerators is the maximum number of moderators of one live.
const maxModerators = 50

// AppointModerator lets a user keep order in one live: mute and ban users, and remove comments. The owner of the live
// and operators may issue this command.
type AppointModerator struct {
	Live   LiveID `json:"live"`   // the live that the user moderates
	User   UserID `json:"user"`   // the new moderator
	Reason string `json:"reason"` // the reason, stored in the event: at most 100 characters, may be empty
}

func (AppointModerator) Type() string { return "moderator.appoint" }

func (c AppointModerator) Reads(Actor) []Stream {
	return []Stream{liveStream(c.Live), userStream(c.User)}
}

func (c AppointModerator) decide(view View) ([]Event, error) {
	live, user := view.Live(c.Live), view.User(c.User)
	err := view.checkOwner(live, c.Live)
	if err == nil {
		c.Reason, err = operatorReason(c.Reason)
	}
	switch {
	case err != nil:
		return nil, err
	case !user.Registered || user.Forgotten:
		return nil, refuse(CodeUserUnavailable, "there is no user %d", c.User)
	case c.User == live.Streamer:
		return nil, refuse(CodeBadRequest, "the owner of a live needs no appointment")
	case isBanned(live.Bans, c.User, view.Now):
		return nil, refuse(CodeBadRequest, "user %d is banned from live %d: end the ban first", c.User, c.Live)
	case slices.Contains(live.Moderators, c.User):
		return nil, nil
	case len(live.Moderators) >= maxModerators:
		return nil, refuse(CodeNumberOutOfRange, "a live must have at most %d moderators", maxModerators)
	}
	return []Event{ModeratorAppointed(c)}, nil
}

// ModeratorAppointed records that a user may moderate a live.
type ModeratorAppointed struct {
	Live   LiveID `json:"live"`   // the live that the user moderates
	User   UserID `json:"user"`   // the new moderator
	Reason string `json:"reason"` // the reason; may be empty
}

func (ModeratorAppointed) Type() string                     { return "moderator.appointed.v1" }
func (e ModeratorAppointed) Stream() Stream                 { return liveStream(e.Live) }
func (e ModeratorAppointed) EventLive() LiveID              { return e.Live }
func (e ModeratorAppointed) EventUser() UserID              { return e.User }
func (e *ModeratorAppointed) personal() (UserID, []*string) { return e.User, []*string{&e.Reason} }
func (e ModeratorAppointed) evolve(l Live) Live {
	l.Moderators = append(slices.Clone(l.Moderators), e.User)
	return l
}

// RemoveModerator takes the rights of a moderator of one live away. The owner of the live and operators may issue this
// command.
type RemoveModerator struct {
	Live   LiveID `json:"live"`   // the live that the user moderates
	User   UserID `json:"user"`   // the moderator to remove
	Reason string `json:"reason"` // the reason, stored in the event: at most 100 characters, may be empty; must not identify a person
}

func (RemoveModerator) Type() string { return "moderator.remove" }

func (c RemoveModerator) Reads(Actor) []Stream { return []Stream{liveStream(c.Live)} }

func (c RemoveModerator) decide(view View) ([]Event, error) {
	live := view.Live(c.Live)
	err := view.checkOwner(live, c.Live)
	if err != nil || !slices.Contains(live.Moderators, c.User) {
		return nil, err
	}
	if c.Reason, err = operatorReason(c.Reason); err != nil {
		return nil, err
	}
	return []Event{ModeratorRemoved(c)}, nil
}

// ModeratorRemoved records that a user may no longer moderate a live.
type ModeratorRemoved struct {
	Live   LiveID `json:"live"`   // the live that the user moderated
	User   UserID `json:"user"`   // the former moderator
	Reason string `json:"reason"` // the reason; not sealed; may be empty
}

func (ModeratorRemoved) Type() string        { return "moderator.removed.v1" }
func (e ModeratorRemoved) Stream() Stream    { return liveStream(e.Live) }
func (e ModeratorRemoved) EventLive() LiveID { return e.Live }
func (e ModeratorRemoved) EventUser() UserID { return e.User }
func (e ModeratorRemoved) evolve(l Live) Live {
	l.Moderators = slices.DeleteFunc(slices.Clone(l.Moderators), func(u UserID) bool { return u == e.User })
	if len(l.Moderators) == 0 {
		l.Moderators = nil
	}
	return l
}

// Bounds of the values of modes.
const (
	maxSlowSeconds   = 3600
	maxMemberMinutes = 365 * 24 * 60
)

// SetMode switches a mode of one live on or off, or changes its value or its end. The owner of the live, its moderators
// and operators may issue this command.
type SetMode struct {
	Live    LiveID   `json:"live"`    // the live whose mode changes
	Mode    ModeName `json:"mode"`    // the mode
	Value   int64    `json:"value"`   // 0 switches the mode off; for slow: seconds from 1 to 3600; for members: minutes from 1 to 525,600; for followers: 1 for all followers, or minutes from 2 to 525,600; for other modes: 1
	Seconds int64    `json:"seconds"` // time until the mode ends: 1 to 315,360,000 seconds (ten years), or 0 for no end
	Reason  string   `json:"reason"`  // the reason, stored in the event: at most 100 characters, may be empty; must not identify a person
}

func (SetMode) Type() string { return "live.set_mode" }

func (c SetMode) Reads(Actor) []Stream { return []Stream{liveStream(c.Live)} }

func (c SetMode) decide(view View) ([]Event, error) {
	live := view.Live(c.Live)
	if err := view.checkModerator(live, c.Live); err != nil {
		return nil, err
	}
	most, known := map[ModeName]int64{ModeMuteAll: 1, ModeSlow: maxSlowSeconds, ModeMembers: maxMemberMinutes, ModeLinksOff: 1, ModeFollowers: maxMemberMinutes, ModeStickers: 1, ModeReview: 1}[c.Mode]
	switch {
	case !known:
		return nil, refuse(CodeBadRequest, "mode must be one of %v", ModeNames)
	case c.Value < 0 || c.Value > most:
		return nil, refuse(CodeNumberOutOfRange, "the value of the mode %s must be from 0 to %d", c.Mode, most)
	case c.Seconds < 0 || c.Seconds > maxBanSeconds || c.Seconds > 0 && c.Value == 0:
		return nil, refuse(CodeNumberOutOfRange, "a mode must end after 1 to %d seconds, or have no end (0)", maxBanSeconds)
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	set := Mode{Mode: c.Mode, Value: c.Value}
	if c.Seconds > 0 {
		set.Until = view.Now.Unix() + c.Seconds
	}
	if now := live.mode(c.Mode, view.Now); now == set || now.Value == 0 && set.Value == 0 {
		return nil, nil
	}
	return []Event{LiveModeSet{c.Live, c.Mode, c.Value, set.Until, reason}}, nil
}

// LiveModeSet records that a mode of a live was switched on or off.
type LiveModeSet struct {
	Live   LiveID   `json:"live"`   // the live whose mode changed
	Mode   ModeName `json:"mode"`   // the mode
	Value  int64    `json:"value"`  // value of the mode; 0: off; for slow: seconds between two comments of a user; for members: minutes since the registration; for followers: 1, or minutes since the user began to follow; for other modes: 1
	Until  int64    `json:"until"`  // end of the mode in Unix seconds; 0: no end
	Reason string   `json:"reason"` // the reason; not sealed; may be empty
}

func (LiveModeSet) Type() string        { return "live.mode_set.v1" }
func (e LiveModeSet) Stream() Stream    { return liveStream(e.Live) }
func (e LiveModeSet) EventLive() LiveID { return e.Live }
func (e LiveModeSet) evolve(l Live) Live {
	modes := slices.DeleteFunc(slices.Clone(l.Modes), func(m Mode) bool { return m.Mode == e.Mode })
	if e.Value != 0 {
		modes = append(modes, Mode{e.Mode, e.Value, e.Until})
	}
	if l.Modes = modes; len(modes) == 0 {
		l.Modes = nil
	}
	return l
}
