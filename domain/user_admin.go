package domain

import (
	"slices"
)

// DisableUser disables an account until EnableUser enables it. It also ends the user's lives that are on air or paused.
type DisableUser struct {
	User   UserID   `json:"user"`   // the user whose account is disabled
	Reason string   `json:"reason"` // the operator's reason, stored in the event: at most 100 characters, may be empty
	Lives  []LiveID `json:"-"`      // lives of the user; the command ends those that are on air or paused
}

func (DisableUser) Type() string { return "user.disable" }

func (c DisableUser) Reads(Actor) []Stream { return append(liveStreams(c.Lives), userStream(c.User)) }

func (c DisableUser) decide(view View) ([]Event, error) {
	user, err := view.existingUser(c.User)
	if err != nil {
		return nil, err
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	ended := view.endLives(c.User, c.Lives, reason)
	if user.Disabled {
		return ended, nil
	}
	return append([]Event{UserDisabled{c.User, reason}}, ended...), nil
}

// UserDisabled records that an account was disabled.
type UserDisabled struct {
	User   UserID `json:"user"`   // the user whose account was disabled
	Reason string `json:"reason"` // the operator's reason; may be empty
}

func (UserDisabled) Type() string                     { return "user.disabled.v1" }
func (e UserDisabled) Stream() Stream                 { return userStream(e.User) }
func (e UserDisabled) EventUser() UserID              { return e.User }
func (UserDisabled) evolve(u User) User               { u.Disabled = true; return u }
func (e *UserDisabled) personal() (UserID, []*string) { return e.User, []*string{&e.Reason} }

// EnableUser enables a disabled account.
type EnableUser struct {
	User   UserID `json:"user"`   // the user whose account is enabled
	Reason string `json:"reason"` // the operator's reason, stored in the event: at most 100 characters, may be empty
}

func (EnableUser) Type() string { return "user.enable" }

func (c EnableUser) Reads(Actor) []Stream { return []Stream{userStream(c.User)} }

func (c EnableUser) decide(view View) ([]Event, error) {
	user, err := view.existingUser(c.User)
	if err != nil || !user.Disabled {
		return nil, err
	}
	if c.Reason, err = operatorReason(c.Reason); err != nil {
		return nil, err
	}
	return []Event{UserEnabled(c)}, nil
}

// UserEnabled records that a disabled account was enabled.
type UserEnabled struct {
	User   UserID `json:"user"`   // the user whose account was enabled
	Reason string `json:"reason"` // the operator's reason; may be empty
}

func (UserEnabled) Type() string                     { return "user.enabled.v1" }
func (e UserEnabled) Stream() Stream                 { return userStream(e.User) }
func (e UserEnabled) EventUser() UserID              { return e.User }
func (UserEnabled) evolve(u User) User               { u.Disabled = false; return u }
func (e *UserEnabled) personal() (UserID, []*string) { return e.User, []*string{&e.Reason} }

// GrantRole gives a user a role. It is refused for a user who signs in without a password.
type GrantRole struct {
	User   UserID `json:"user"`   // the user who receives the role
	Role   Role   `json:"role"`   // the role to grant
	Reason string `json:"reason"` // the operator's reason, stored in the event: at most 100 characters, may be empty
}

func (GrantRole) Type() string { return "user.grant_role" }

func (c GrantRole) Reads(Actor) []Stream { return []Stream{userStream(c.User)} }

func (c GrantRole) decide(view View) ([]Event, error) {
	user, err := view.existingUser(c.User)
	switch {
	case err != nil:
		return nil, err
	case !slices.Contains(Roles[:], c.Role):
		return nil, refuse(CodeBadRequest, "there is no role %q: choose one of %v", c.Role, Roles)
	case user.HasRole(c.Role):
		return nil, nil
	case user.Passwordless: // every client that sends the e-mail address would have the role
		return nil, refuse(CodeForbidden, "user %d signs in without a password", c.User)
	}
	if c.Reason, err = operatorReason(c.Reason); err != nil {
		return nil, err
	}
	return []Event{UserRoleGranted(c)}, nil
}

// UserRoleGranted records that a user has received a role.
type UserRoleGranted struct {
	User   UserID `json:"user"`   // the user who received the role
	Role   Role   `json:"role"`   // the role that was granted
	Reason string `json:"reason"` // the operator's reason; may be empty
}

func (UserRoleGranted) Type() string                     { return "user.role_granted.v1" }
func (e UserRoleGranted) Stream() Stream                 { return userStream(e.User) }
func (e UserRoleGranted) EventUser() UserID              { return e.User }
func (e *UserRoleGranted) personal() (UserID, []*string) { return e.User, []*string{&e.Reason} }
func (e UserRoleGranted) evolve(u User) User {
	u.Roles = append(slices.Clone(u.Roles), e.Role)
	return u
}

// RevokeRole removes a role from a user.
type RevokeRole struct {
	User   UserID `json:"user"`   // the user who loses the role
	Role   Role   `json:"role"`   // the role to revoke
	Reason string `json:"reason"` // the operator's reason, stored in the event: at most 100 characters, may be empty
}

func (RevokeRole) Type() string { return "user.revoke_role" }

func (c RevokeRole) Reads(Actor) []Stream { return []Stream{userStream(c.User)} }

func (c RevokeRole) decide(view View) ([]Event, error) {
	user, err := view.existingUser(c.User)
	if err != nil || !user.HasRole(c.Role) {
		return nil, err
	}
	if c.Reason, err = operatorReason(c.Reason); err != nil {
		return nil, err
	}
	return []Event{UserRoleRevoked(c)}, nil
}

// UserRoleRevoked records that a user has lost a role.
type UserRoleRevoked struct {
	User   UserID `json:"user"`   // the user who lost the role
	Role   Role   `json:"role"`   // the role that was revoked
	Reason string `json:"reason"` // the operator's reason; may be empty
}

func (UserRoleRevoked) Type() string                     { return "user.role_revoked.v1" }
func (e UserRoleRevoked) Stream() Stream                 { return userStream(e.User) }
func (e UserRoleRevoked) EventUser() UserID              { return e.User }
func (e *UserRoleRevoked) personal() (UserID, []*string) { return e.User, []*string{&e.Reason} }
func (e UserRoleRevoked) evolve(u User) User {
	u.Roles = slices.DeleteFunc(slices.Clone(u.Roles), func(r Role) bool { return r == e.Role })
	return u
}

// ForgetUser permanently erases a user's texts and deletes the user's uploads. It also ends the user's lives that are
// on air or paused. When the log appends the event, it destroys the user's key.
type ForgetUser struct {
	User   UserID   `json:"user"`   // the user whose texts are erased
	Reason string   `json:"reason"` // the operator's reason, stored in the event: at most 100 characters, may be empty; must not identify a person
	Lives  []LiveID `json:"-"`      // lives of the user; the command ends those that are on air or paused
}

func (ForgetUser) Type() string { return "user.forget" }

func (c ForgetUser) Reads(Actor) []Stream {
	return append(liveStreams(c.Lives), userStream(c.User), uploadStream(c.User))
}

func (c ForgetUser) decide(view View) ([]Event, error) {
	user := view.User(c.User)
	if !user.Registered {
		return nil, refuse(CodeUserUnavailable, "there is no user %d", c.User)
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	ended := view.endLives(c.User, c.Lives, "")
	if user.Forgotten {
		return ended, nil
	}
	return slices.Concat([]Event{UserForgotten{c.User, reason}}, ended, view.deleteUploads(c.User)), nil
}

// UserForgotten records that the texts of a user are erased: they are unreadable in all earlier events.
type UserForgotten struct {
	User   UserID `json:"user"`   // the user whose texts are erased
	Reason string `json:"reason"` // the operator's reason; not sealed; may be empty
}

func (UserForgotten) Type() string                { return "user.forgotten.v1" }
func (e UserForgotten) Stream() Stream            { return userStream(e.User) }
func (e UserForgotten) EventUser() UserID         { return e.User }
func (e UserForgotten) ForgottenKeyOwner() UserID { return e.User }
func (UserForgotten) evolve(u User) User          { u.Forgotten = true; u.Roles = nil; return u }

// KickUser closes every connection of a user. The user may connect again; BanUser prevents it.
type KickUser struct {
	User   UserID `json:"user"`   // the user whose connections are closed
	Reason string `json:"reason"` // the operator's reason, shown to the user: at most 100 characters, may be empty
}

func (KickUser) Type() string { return "user.kick" }

func (c KickUser) Reads(Actor) []Stream { return []Stream{userStream(c.User)} }

func (c KickUser) decide(view View) ([]Event, error) {
	if _, err := view.existingUser(c.User); err != nil {
		return nil, err
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	return []Event{UserKicked{c.User, reason}}, nil
}

// UserKicked records that the connections of a user were closed.
type UserKicked struct {
	User   UserID `json:"user"`   // the user whose connections were closed
	Reason string `json:"reason"` // the operator's reason, shown to the user; may be empty
}

func (UserKicked) Type() string                     { return "user.kicked.v1" }
func (e UserKicked) Stream() Stream                 { return userStream(e.User) }
func (e UserKicked) EventUser() UserID              { return e.User }
func (UserKicked) evolve(u User) User               { return u }
func (e *UserKicked) personal() (UserID, []*string) { return e.User, []*string{&e.Reason} }

// maxConnectionID is the maximum length of a ConnectionID or PlayerID in bytes.
const maxConnectionID = 64

// KickConnection closes one connection of a client, signed in or not.
type KickConnection struct {
	Connection ConnectionID `json:"connection"` // the connection to close: 1–64 bytes
	Reason     string       `json:"reason"`     // the operator's reason, shown to the client: at most 100 characters, may be empty; must not identify a person
}

func (KickConnection) Type() string { return "connection.kick" }

func (c KickConnection) Reads(Actor) []Stream { return []Stream{connectionStream(c.Connection)} }

func (c KickConnection) decide(View) ([]Event, error) {
	if c.Connection == "" || len(c.Connection) > maxConnectionID {
		return nil, refuse(CodeBadRequest, "connection must have 1 to %d bytes", maxConnectionID)
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	return []Event{ConnectionKicked{c.Connection, reason}}, nil
}

// ConnectionKicked records that one connection of a client was closed.
type ConnectionKicked struct {
	Connection ConnectionID `json:"connection"` // the connection that was closed
	Reason     string       `json:"reason"`     // the operator's reason, shown to the client; not sealed; may be empty
}

func (ConnectionKicked) Type() string               { return "connection.kicked.v1" }
func (e ConnectionKicked) Stream() Stream           { return connectionStream(e.Connection) }
func (ConnectionKicked) evolve(Stateless) Stateless { return Stateless{} }

// KickPlayer disconnects one player of a live's media.
type KickPlayer struct {
	Live   LiveID   `json:"live"`   // the live that the player plays
	Player PlayerID `json:"player"` // the player to disconnect: 1–64 bytes
	Reason string   `json:"reason"` // the operator's reason, stored in the event: at most 100 characters, may be empty; must not identify a person
}

func (KickPlayer) Type() string { return "player.kick" }

func (c KickPlayer) Reads(Actor) []Stream {
	return []Stream{liveStream(c.Live), playerStream(c.Player)}
}

func (c KickPlayer) decide(view View) ([]Event, error) {
	if c.Player == "" || len(c.Player) > maxConnectionID {
		return nil, refuse(CodeBadRequest, "player must have 1 to %d bytes", maxConnectionID)
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	if view.Live(c.Live).Streamer == 0 {
		return nil, refuse(CodeLiveNotFound, "there is no live %d", c.Live)
	}
	return []Event{PlayerKicked{c.Live, c.Player, reason}}, nil
}

// PlayerKicked records that a player of a live's media was disconnected.
type PlayerKicked struct {
	Live   LiveID   `json:"live"`   // the live that the player played
	Player PlayerID `json:"player"` // the player that was disconnected
	Reason string   `json:"reason"` // the operator's reason; not sealed; may be empty
}

func (PlayerKicked) Type() string               { return "player.kicked.v1" }
func (e PlayerKicked) Stream() Stream           { return playerStream(e.Player) }
func (e PlayerKicked) EventLive() LiveID        { return e.Live }
func (PlayerKicked) evolve(Stateless) Stateless { return Stateless{} }

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
