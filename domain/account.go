package domain

import "slices"

// DisableUser asks to lock a person out.
type DisableUser struct {
	User   UserID   `json:"user"`
	Reason string   `json:"reason"` // for the record: at most 100 characters, may be empty
	Lives  []LiveID `json:"-"`      // rooms of the person, which end if they are on air
}

// Type implements Command.
func (DisableUser) Type() string { return "user.disable" }

// Reads implements Command.
func (c DisableUser) Reads(Actor) []Stream { return append(livesOf(c.Lives), userOf(c.User)) }

func (c DisableUser) decide(see View) ([]Event, error) {
	user, err := see.existingUser(c.User)
	if err != nil {
		return nil, err
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	ended := see.endLives(c.User, c.Lives, reason)
	if user.Disabled {
		return ended, nil
	}
	return append([]Event{UserDisabled{c.User, reason}}, ended...), nil
}

// UserDisabled says that a person is locked out.
type UserDisabled struct {
	User   UserID `json:"user"`
	Reason string `json:"reason"` // why, as the operator put it; may be empty
}

// Type implements Event.
func (UserDisabled) Type() string { return "user.disabled.v1" }

// Stream implements Event.
func (e UserDisabled) Stream() Stream { return userOf(e.User) }

// EventUser implements UserEvent.
func (e UserDisabled) EventUser() UserID { return e.User }

func (UserDisabled) evolve(u User) User { u.Disabled = true; return u }

// EnableUser asks to let a person in again.
type EnableUser struct {
	User   UserID `json:"user"`
	Reason string `json:"reason"` // for the record: at most 100 characters, may be empty
}

// Type implements Command.
func (EnableUser) Type() string { return "user.enable" }

// Reads implements Command.
func (c EnableUser) Reads(Actor) []Stream { return []Stream{userOf(c.User)} }

func (c EnableUser) decide(see View) ([]Event, error) {
	user, err := see.existingUser(c.User)
	if err != nil || !user.Disabled {
		return nil, err
	}
	if c.Reason, err = operatorReason(c.Reason); err != nil {
		return nil, err
	}
	return []Event{UserEnabled(c)}, nil
}

// UserEnabled says that a person is let in again.
type UserEnabled struct {
	User   UserID `json:"user"`
	Reason string `json:"reason"` // why, as the operator put it; may be empty
}

// Type implements Event.
func (UserEnabled) Type() string { return "user.enabled.v1" }

// Stream implements Event.
func (e UserEnabled) Stream() Stream { return userOf(e.User) }

// EventUser implements UserEvent.
func (e UserEnabled) EventUser() UserID { return e.User }

func (UserEnabled) evolve(u User) User { u.Disabled = false; return u }

// GrantRole asks to give a person a right.
type GrantRole struct {
	User   UserID `json:"user"`
	Role   Role   `json:"role"`
	Reason string `json:"reason"` // for the record: at most 100 characters, may be empty
}

// Type implements Command.
func (GrantRole) Type() string { return "user.grant_role" }

// Reads implements Command.
func (c GrantRole) Reads(Actor) []Stream { return []Stream{userOf(c.User)} }

func (c GrantRole) decide(see View) ([]Event, error) {
	user, err := see.existingUser(c.User)
	switch {
	case err != nil:
		return nil, err
	case !slices.Contains(Roles[:], c.Role):
		return nil, refuse(CodeBadRequest, "there is no role %q: choose one of %v", c.Role, Roles)
	case user.HasRole(c.Role):
		return nil, nil
	case user.Passwordless: // whoever knows the e-mail address would have it
		return nil, refuse(CodeForbidden, "user %d signs in without a password", c.User)
	}
	if c.Reason, err = operatorReason(c.Reason); err != nil {
		return nil, err
	}
	return []Event{UserRoleGranted(c)}, nil
}

// UserRoleGranted says that a person has a right from now on.
type UserRoleGranted struct {
	User   UserID `json:"user"`
	Role   Role   `json:"role"`
	Reason string `json:"reason"` // why, as the operator put it; may be empty
}

// Type implements Event.
func (UserRoleGranted) Type() string { return "user.role_granted.v1" }

// Stream implements Event.
func (e UserRoleGranted) Stream() Stream { return userOf(e.User) }

// EventUser implements UserEvent.
func (e UserRoleGranted) EventUser() UserID { return e.User }

func (e UserRoleGranted) evolve(u User) User {
	u.Roles = append(slices.Clone(u.Roles), e.Role)
	return u
}

// RevokeRole asks to take a right away.
type RevokeRole struct {
	User   UserID `json:"user"`
	Role   Role   `json:"role"`
	Reason string `json:"reason"` // for the record: at most 100 characters, may be empty
}

// Type implements Command.
func (RevokeRole) Type() string { return "user.revoke_role" }

// Reads implements Command.
func (c RevokeRole) Reads(Actor) []Stream { return []Stream{userOf(c.User)} }

func (c RevokeRole) decide(see View) ([]Event, error) {
	user, err := see.existingUser(c.User)
	if err != nil || !user.HasRole(c.Role) {
		return nil, err
	}
	if c.Reason, err = operatorReason(c.Reason); err != nil {
		return nil, err
	}
	return []Event{UserRoleRevoked(c)}, nil
}

// UserRoleRevoked says that a person has lost a right.
type UserRoleRevoked struct {
	User   UserID `json:"user"`
	Role   Role   `json:"role"`
	Reason string `json:"reason"` // why, as the operator put it; may be empty
}

// Type implements Event.
func (UserRoleRevoked) Type() string { return "user.role_revoked.v1" }

// Stream implements Event.
func (e UserRoleRevoked) Stream() Stream { return userOf(e.User) }

// EventUser implements UserEvent.
func (e UserRoleRevoked) EventUser() UserID { return e.User }

func (e UserRoleRevoked) evolve(u User) User {
	u.Roles = slices.DeleteFunc(slices.Clone(u.Roles), func(r Role) bool { return r == e.Role })
	return u
}

// ForgetUser asks to erase a person: the log destroys the person's key with the event.
type ForgetUser struct {
	User   UserID   `json:"user"`
	Reason string   `json:"reason"` // for the record: at most 100 characters, may be empty
	Lives  []LiveID `json:"-"`      // rooms of the person, which end if they are on air
}

// Type implements Command.
func (ForgetUser) Type() string { return "user.forget" }

// Reads implements Command.
func (c ForgetUser) Reads(Actor) []Stream { return append(livesOf(c.Lives), userOf(c.User)) }

func (c ForgetUser) decide(see View) ([]Event, error) {
	user := see.User(c.User)
	if !user.Registered {
		return nil, refuse(CodeUserUnavailable, "there is no user %d", c.User)
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	ended := see.endLives(c.User, c.Lives, "") // the streamer's key is destroyed with this batch
	if user.Forgotten {
		return ended, nil
	}
	return append([]Event{UserForgotten{c.User, reason}}, ended...), nil
}

// UserForgotten says that a person's texts cannot be read any more, here and in all earlier events.
type UserForgotten struct {
	User   UserID `json:"user"`
	Reason string `json:"reason"` // why, as the operator put it; may be empty
}

// Type implements Event.
func (UserForgotten) Type() string { return "user.forgotten.v1" }

// Stream implements Event.
func (e UserForgotten) Stream() Stream { return userOf(e.User) }

// EventUser implements UserEvent.
func (e UserForgotten) EventUser() UserID { return e.User }

// ForgottenKeyOwner implements ForgetEvent.
func (e UserForgotten) ForgottenKeyOwner() UserID { return e.User }

func (UserForgotten) evolve(u User) User { u.Forgotten = true; u.Roles = nil; return u }

// existingUser answers an account that an operator can act on.
func (v View) existingUser(id UserID) (User, error) {
	user := v.User(id)
	if !user.Registered || user.Forgotten {
		return user, refuse(CodeUserUnavailable, "there is no user %d", id)
	}
	return user, nil
}

func (e *UserDisabled) personal() (UserID, []*string) { return e.User, []*string{&e.Reason} }

func (e *UserEnabled) personal() (UserID, []*string) { return e.User, []*string{&e.Reason} }

func (e *UserRoleGranted) personal() (UserID, []*string) { return e.User, []*string{&e.Reason} }

func (e *UserRoleRevoked) personal() (UserID, []*string) { return e.User, []*string{&e.Reason} }
