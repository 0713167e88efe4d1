package domain

import "slices"

// Bounds of the invitations of one live. Every decision about the live loads all of them.
const (
	maxInvitations    = 100
	maxInvitationUses = 100_000
)

// SetAccess sets who may be in a live. Users who may not be in it any more leave it. The owner of the live and operators
// may issue this command.
type SetAccess struct {
	Live       LiveID     `json:"live"`   // the live whose access changes
	Access     AccessKind `json:"access"` // who may be in the live
	Credential string     `json:"-"`      // id of the hash of the password, for the access password
}

func (SetAccess) Type() string { return "live.set_access" }

func (c SetAccess) Reads(Actor) []Stream { return []Stream{liveStream(c.Live)} }

func (c SetAccess) serverTexts() []string { return []string{c.Credential} }

func (c SetAccess) decide(view View) ([]Event, error) {
	live := view.Live(c.Live)
	err := view.checkOwner(live, c.Live)
	if err == nil {
		err = checkAccess(c.Access, c.Credential)
	}
	was := live.Access
	if was == "" {
		was = AccessOpen
	}
	if err != nil || was == c.Access && live.Credential == c.Credential {
		return nil, err
	}
	return []Event{LiveAccessSet(c)}, nil
}

// EnterPassword lets the actor into a live after the server has checked the password.
type EnterPassword struct {
	Live       LiveID `json:"live"` // the live with a password
	Credential string `json:"-"`    // id of the hash of the password that the actor has entered
}

func (EnterPassword) Type() string { return "live.enter_password" }

func (c EnterPassword) Reads(actor Actor) []Stream {
	return []Stream{liveStream(c.Live), visitStream(c.Live, actor.User)}
}

func (c EnterPassword) serverTexts() []string { return []string{c.Credential} }

func (c EnterPassword) decide(view View) ([]Event, error) {
	live, visit := view.Live(c.Live), view.Visit(c.Live, view.Actor.User)
	if err := view.checkEntrance(live, c.Live); err != nil {
		return nil, err
	}
	switch {
	case live.Access != AccessPassword || c.Credential != live.Credential:
		return nil, refuse(CodeLivePassword, "live %d has another password now, or none: enter it again", c.Live)
	case visit.Credential == c.Credential:
		return nil, nil
	}
	return []Event{ViewerAdmitted{c.Live, view.Actor.User, c.Credential, 0}}, nil
}

// checkEntrance returns a *Refusal unless the actor may ask to be let into a live.
func (v View) checkEntrance(live Live, id LiveID) error {
	switch {
	case live.Streamer == 0:
		return refuse(CodeLiveNotFound, "there is no live %d", id)
	case live.Status == StatusEnded:
		return refuse(CodeLiveEnded, "live %d has ended", id)
	case isBanned(live.Bans, v.Actor.User, v.Now):
		return refuse(CodeBanned, "you are banned from live %d", id)
	}
	return nil
}

// ViewerAdmitted records that a user may be in a live because of its password or of an invitation: until the live gets
// another password, or the invitation is revoked.
type ViewerAdmitted struct {
	Live       LiveID `json:"live"`       // the live into which the user is let
	User       UserID `json:"user"`       // the user
	Credential string `json:"credential"` // id of the hash of the password that the user has entered; "" for an invitation
	Invitation int64  `json:"invitation"` // the invitation that the user has used; 0 for a password
}

func (ViewerAdmitted) Type() string        { return "viewer.admitted.v1" }
func (e ViewerAdmitted) Stream() Stream    { return visitStream(e.Live, e.User) }
func (e ViewerAdmitted) EventLive() LiveID { return e.Live }
func (e ViewerAdmitted) EventUser() UserID { return e.User }
func (e ViewerAdmitted) evolve(v Visit) Visit {
	if e.Credential != "" {
		v.Credential = e.Credential
	}
	if e.Invitation != 0 {
		v.Invitation = e.Invitation
	}
	return v
}

// CreateInvitation creates an invitation to a live: whoever knows its secret may use it, until enough users have or it
// ends. The owner of the live and operators may issue this command.
type CreateInvitation struct {
	Live    LiveID `json:"live"`    // the live
	Uses    int64  `json:"uses"`    // maximum number of users who use the invitation: 1 to 100,000
	Seconds int64  `json:"seconds"` // time until the invitation ends: 1 to 315,360,000 seconds (ten years), or 0 for no end
	Hash    string `json:"-"`       // lower-case hexadecimal SHA-256 of the secret
}

func (CreateInvitation) Type() string { return "invitation.create" }

func (c CreateInvitation) Reads(Actor) []Stream { return []Stream{liveStream(c.Live)} }

func (c CreateInvitation) serverTexts() []string { return []string{c.Hash} }

func (c CreateInvitation) decide(view View) ([]Event, error) {
	live := view.Live(c.Live)
	if err := view.checkOwner(live, c.Live); err != nil {
		return nil, err
	}
	switch {
	case live.Status == StatusEnded:
		return nil, refuse(CodeLiveEnded, "live %d has ended", c.Live)
	case c.Uses < 1 || c.Uses > maxInvitationUses:
		return nil, refuse(CodeNumberOutOfRange, "uses must be from 1 to %d", maxInvitationUses)
	case c.Seconds < 0 || c.Seconds > maxBanSeconds:
		return nil, refuse(CodeNumberOutOfRange, "an invitation must end after 1 to %d seconds, or have no end (0)", maxBanSeconds)
	case c.Hash == "":
		return nil, refuse(CodeBadRequest, "an invitation needs the hash of its secret")
	case len(live.Invitations) >= maxInvitations:
		return nil, refuse(CodeNumberOutOfRange, "a live must have at most %d invitations: revoke one first", maxInvitations)
	}
	created := InvitationCreated{Live: c.Live, Invitation: live.LastInvitation + 1, Hash: c.Hash, Uses: c.Uses}
	if c.Seconds > 0 {
		created.Until = view.Now.Unix() + c.Seconds
	}
	return []Event{created}, nil
}

// InvitationCreated records a new invitation to a live.
type InvitationCreated struct {
	Live       LiveID `json:"live"`            // the live
	Invitation int64  `json:"invitation"`      // id of the invitation, which counts the invitations of the live from 1
	Hash       string `json:"invitation_hash"` // lower-case hexadecimal SHA-256 of the secret
	Uses       int64  `json:"uses"`            // maximum number of users who use the invitation
	Until      int64  `json:"until"`           // end of the invitation in Unix seconds; 0: none
}

func (InvitationCreated) Type() string        { return "invitation.created.v1" }
func (e InvitationCreated) Stream() Stream    { return liveStream(e.Live) }
func (e InvitationCreated) EventLive() LiveID { return e.Live }
func (e InvitationCreated) evolve(l Live) Live {
	l.Invitations = append(slices.Clone(l.Invitations), Invitation{ID: e.Invitation, Hash: e.Hash, Uses: e.Uses, Until: e.Until})
	l.LastInvitation = e.Invitation
	return l
}

// RevokeInvitation ends an invitation. Users who were let in because of it may not be in the live any more, unless its
// access permits it. The owner of the live and operators may issue this command.
type RevokeInvitation struct {
	Live       LiveID `json:"live"`       // the live
	Invitation int64  `json:"invitation"` // id of the invitation
}

func (RevokeInvitation) Type() string { return "invitation.revoke" }

func (c RevokeInvitation) Reads(Actor) []Stream { return []Stream{liveStream(c.Live)} }

func (c RevokeInvitation) decide(view View) ([]Event, error) {
	live := view.Live(c.Live)
	switch err := view.checkOwner(live, c.Live); {
	case err != nil:
		return nil, err
	case c.Invitation < 1 || c.Invitation > live.LastInvitation:
		return nil, refuse(CodeInvitationNotFound, "live %d has no invitation %d", c.Live, c.Invitation)
	case !live.HasInvitation(c.Invitation, 0):
		return nil, nil
	}
	return []Event{InvitationRevoked(c)}, nil
}

// HasInvitation reports whether a live has an invitation that was not revoked, and that at least this many more users
// may use.
func (l Live) HasInvitation(id, more int64) bool {
	i := l.invitation(func(i Invitation) bool { return i.ID == id })
	return i.ID != 0 && i.Used+more <= i.Uses
}

// InvitationRevoked records the end of an invitation.
type InvitationRevoked struct {
	Live       LiveID `json:"live"`       // the live
	Invitation int64  `json:"invitation"` // id of the invitation
}

func (InvitationRevoked) Type() string        { return "invitation.revoked.v1" }
func (e InvitationRevoked) Stream() Stream    { return liveStream(e.Live) }
func (e InvitationRevoked) EventLive() LiveID { return e.Live }
func (e InvitationRevoked) evolve(l Live) Live {
	left := slices.DeleteFunc(slices.Clone(l.Invitations), func(i Invitation) bool { return i.ID == e.Invitation })
	if l.Invitations = left; len(left) == 0 {
		l.Invitations = nil
	}
	return l
}

// UseInvitation lets the actor, who knows the secret of an invitation, into a live. Nothing changes if the actor was let
// in before because of an invitation that was not revoked.
type UseInvitation struct {
	Live LiveID `json:"live"` // the live of the invitation
	Hash string `json:"-"`    // lower-case hexadecimal SHA-256 of the secret
}

func (UseInvitation) Type() string { return "invitation.use" }

func (c UseInvitation) Reads(actor Actor) []Stream {
	return []Stream{liveStream(c.Live), visitStream(c.Live, actor.User)}
}

func (c UseInvitation) serverTexts() []string { return []string{c.Hash} }

func (c UseInvitation) decide(view View) ([]Event, error) {
	live, visit := view.Live(c.Live), view.Visit(c.Live, view.Actor.User)
	if err := view.checkEntrance(live, c.Live); err != nil {
		return nil, err
	}
	i := live.invitation(func(i Invitation) bool { return c.Hash != "" && i.Hash == c.Hash })
	switch {
	case i.ID == 0:
		return nil, refuse(CodeInvitationNotFound, "live %d has no such invitation, or it was revoked", c.Live)
	case live.HasInvitation(visit.Invitation, 0):
		return nil, nil
	case i.Used >= i.Uses:
		return nil, refuse(CodeInvitationClosed, "%d users have used this invitation: ask for another one", i.Used)
	case i.Until != 0 && view.Now.Unix() >= i.Until:
		return nil, refuse(CodeInvitationClosed, "this invitation has expired: ask for another one")
	}
	return []Event{InvitationUsed{c.Live, view.Actor.User, i.ID}, ViewerAdmitted{c.Live, view.Actor.User, "", i.ID}}, nil
}

// InvitationUsed records that a user has used an invitation. ViewerAdmitted follows.
type InvitationUsed struct {
	Live       LiveID `json:"live"`       // the live
	User       UserID `json:"user"`       // the user who has used the invitation
	Invitation int64  `json:"invitation"` // id of the invitation
}

func (InvitationUsed) Type() string        { return "invitation.used.v1" }
func (e InvitationUsed) Stream() Stream    { return liveStream(e.Live) }
func (e InvitationUsed) EventLive() LiveID { return e.Live }
func (e InvitationUsed) EventUser() UserID { return e.User }
func (e InvitationUsed) evolve(l Live) Live {
	l.Invitations = slices.Clone(l.Invitations)
	for i := range l.Invitations {
		if l.Invitations[i].ID == e.Invitation {
			l.Invitations[i].Used++
		}
	}
	return l
}
