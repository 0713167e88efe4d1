package domain

import "slices"

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

// UserForgotten records that a user's texts are erased: they are unreadable in this event and in all earlier events.
type UserForgotten struct {
	User   UserID `json:"user"`   // the user whose texts are erased
	Reason string `json:"reason"` // the operator's reason; not sealed; may be empty
}

func (UserForgotten) Type() string                { return "user.forgotten.v1" }
func (e UserForgotten) Stream() Stream            { return userStream(e.User) }
func (e UserForgotten) EventUser() UserID         { return e.User }
func (e UserForgotten) ForgottenKeyOwner() UserID { return e.User }
func (UserForgotten) evolve(u User) User          { u.Forgotten = true; u.Roles = nil; return u }
