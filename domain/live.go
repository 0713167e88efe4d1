package domain

import (
	"slices"
	"time"
)

// Status says whether a live has not started, is on air, is paused or has ended.
type Status int

// The statuses, with the numbers of the wire protocol. StatusEnded is final.
const (
	StatusNotStarted Status = iota
	StatusOnAir
	StatusPaused
	StatusEnded
)

// RecordChoice is the choice of the streamer about the recording of a live: on, off, or "" before the first choice.
type RecordChoice string

// The values of RecordChoice.
const (
	RecordOn  RecordChoice = "on"
	RecordOff RecordChoice = "off"
)

// ModeName names a mode of a live, which restricts comments. Modes do not apply to the owner, moderators and operators.
type ModeName string

// The modes.
const (
	ModeMuteAll   ModeName = "mute_all"  // nobody may comment
	ModeSlow      ModeName = "slow"      // a user must wait for a number of seconds between two comments
	ModeMembers   ModeName = "members"   // only users whose registration was at least a number of minutes ago may comment
	ModeLinksOff  ModeName = "links_off" // comments must not contain links
	ModeFollowers ModeName = "followers" // only followers of the streamer may comment
	ModeStickers  ModeName = "stickers"  // comments must consist of emoji and names of stickers
	ModeReview    ModeName = "review"    // comments of a user are held for a review until one was released in the live
)

// ModeNames lists every mode.
var ModeNames = [...]ModeName{ModeMuteAll, ModeSlow, ModeMembers, ModeLinksOff, ModeFollowers, ModeStickers, ModeReview}

// Mode is a mode of a live that was switched on.
type Mode struct {
	Mode  ModeName `json:"mode"`
	Value int64    `json:"value"`
	Until int64    `json:"until,omitempty"` // end of the mode in Unix seconds; 0: no end
}

// Active reports whether the mode is on at the time now.
func (m Mode) Active(now time.Time) bool {
	return m.Value != 0 && (m.Until == 0 || now.Unix() < m.Until)
}

// mode returns a mode that is on at the time now, or the zero Mode.
func (l Live) mode(name ModeName, now time.Time) Mode {
	for _, m := range l.Modes {
		if m.Mode == name && m.Active(now) {
			return m
		}
	}
	return Mode{}
}

// earlier returns the earlier of two times in Unix seconds. An end of 0 is no end.
func earlier(at, end int64) int64 {
	if end != 0 && end < at {
		return end
	}
	return at
}

// AccessKind selects the users who may be in a live: join it, comment, send gifts, and play its stream and its
// recordings.
type AccessKind string

// The kinds of access. Moderators, operators and invited users may be in every live.
const (
	AccessOpen      AccessKind = "open"      // everybody
	AccessUnlisted  AccessKind = "unlisted"  // everybody, but lists do not contain the live
	AccessPassword  AccessKind = "password"  // users who have entered the password
	AccessFollowers AccessKind = "followers" // followers of the streamer
	AccessInvited   AccessKind = "invited"   // only invited users; lists do not contain the live
	AccessPaid      AccessKind = "paid"      // users who have bought a ticket
)

// AccessKinds lists every kind of access.
var AccessKinds = [...]AccessKind{AccessOpen, AccessUnlisted, AccessPassword, AccessFollowers, AccessInvited, AccessPaid}

// Restricted reports whether not everybody may be in the live. An access that this version does not know is restricted.
func (k AccessKind) Restricted() bool {
	return k != "" && k != AccessOpen && k != AccessUnlisted
}

// Listed reports whether lists contain the live.
func (k AccessKind) Listed() bool { return k != AccessUnlisted && k != AccessInvited }

// Entrant contains the facts about a person on which the access to a live depends.
type Entrant struct {
	Moderates bool // whether the person is the owner, a moderator of the live or an operator
	Invited   bool // whether the person has used an invitation that is not revoked
	Follows   bool // whether the person follows the streamer
	Password  bool // whether the person has entered the password that the live has now
	Ticket    bool // whether the person has a ticket that was not refunded
	Age       int  // age in years by the profile; 0 if it has none, and for somebody who is not signed in
}

// Check returns nil if a person may be in a live with this access and this minimum age, and a *Refusal otherwise. All
// decisions and all queries about the access of lives use it.
func (k AccessKind) Check(live LiveID, minAge int, e Entrant) error {
	switch {
	case e.Moderates:
		return nil
	case e.Age < minAge:
		return refuse(CodeLiveAge, "live %d is for users of at least %d years: the age in your profile is lower or missing", live, minAge)
	case !k.Restricted() || e.Invited || e.Ticket:
		return nil
	case k == AccessPassword && !e.Password:
		return refuse(CodeLivePassword, "live %d has a password: enter it first", live)
	case k == AccessFollowers && !e.Follows:
		return refuse(CodeLiveFollowers, "live %d is for followers: follow the streamer first", live)
	case k == AccessInvited:
		return refuse(CodeLiveInvited, "live %d is for invited users: use an invitation first", live)
	case k == AccessPaid:
		return refuse(CodeLivePaid, "live %d needs a ticket: buy one first", live)
	case !slices.Contains(AccessKinds[:], k):
		return refuse(CodeForbidden, "live %d has the access %q, which this server does not know", live, k)
	}
	return nil
}

// Invitation is an invitation to a live that was not revoked. Its id counts the invitations of the live from 1.
type Invitation struct {
	ID    int64  `json:"id"`
	Hash  string `json:"hash"`            // lower-case hexadecimal SHA-256 of the secret in the link
	Uses  int64  `json:"uses"`            // maximum number of users who use it
	Used  int64  `json:"used,omitempty"`  // number of users who have used it
	Until int64  `json:"until,omitempty"` // end in Unix seconds; 0: none
}

// invitation returns the invitation that find selects, or the zero Invitation.
func (l Live) invitation(find func(Invitation) bool) Invitation {
	if i := slices.IndexFunc(l.Invitations, find); i >= 0 {
		return l.Invitations[i]
	}
	return Invitation{}
}

// Live is the part of a live that decisions read.
type Live struct {
	Streamer  UserID       `json:"streamer"` // the owner of the live; 0 if the live does not exist
	Status    Status       `json:"status"`
	Bans      []Ban        `json:"bans,omitempty"`      // bans from the live: all active bans, and possibly expired ones
	Broadcast BroadcastID  `json:"broadcast,omitempty"` // the running broadcast; "" if there is none
	Record    RecordChoice `json:"record,omitempty"`
	StreamKey string       `json:"stream_key"` // distinguishes the live from one that had its id in a lost history of the log

	PublishKey string `json:"publish_key,omitempty"` // hash of the publish key; "" for none

	Restreams []string `json:"restreams,omitempty"` // names of the restream targets

	Moderators []UserID `json:"moderators,omitempty"` // users who keep order in the live, besides the owner and operators
	Mutes      []Ban    `json:"mutes,omitempty"`      // bans from commenting: all active ones, and possibly expired ones
	Modes      []Mode   `json:"modes,omitempty"`      // who may comment, and how: all active modes, and possibly expired ones

	Access         AccessKind   `json:"access,omitempty"`            // "": open
	Credential     string       `json:"access_credential,omitempty"` // id of the hash of the password; "" if there is no password
	Price          Coins        `json:"price,omitempty"`             // price of a ticket; 0 unless the access is paid
	MinAge         int          `json:"min_age,omitempty"`           // age in years that viewers need; 0: none
	Started        bool         `json:"started,omitempty"`           // whether the live is or was on air, or has had a broadcast
	Invitations    []Invitation `json:"invitations,omitempty"`       // invitations that were not revoked
	LastInvitation int64        `json:"last_invitation,omitempty"`   // id of the newest invitation, also if it was revoked
}

// Live returns the state of a live.
func (v View) Live(id LiveID) Live { return look[Live](v, liveStream(id)) }

// NextLive returns the next free live id.
func (v View) NextLive() LiveID { return LiveID(v.next(nextLive)) }

// checkOpen returns nil if the live with this id accepts viewers, that is, if it is on air or paused. Otherwise it
// returns a *Refusal.
func (l Live) checkOpen(id LiveID) error {
	switch {
	case l.Streamer == 0:
		return refuse(CodeLiveNotFound, "there is no live %d", id)
	case l.Status == StatusNotStarted:
		return refuse(CodeLiveNotStarted, "live %d has not started", id)
	case l.Status == StatusEnded:
		return refuse(CodeLiveEnded, "live %d has ended", id)
	}
	return nil
}

// isModerator reports whether a user is the owner or a moderator of the live.
func (l Live) isModerator(user UserID) bool {
	return l.Streamer != 0 && l.Streamer == user || slices.Contains(l.Moderators, user)
}

// checkOwner returns nil if the actor is the owner of the live or an operator, and a *Refusal otherwise.
func (v View) checkOwner(live Live, id LiveID) error {
	if live.Streamer == 0 || live.Streamer != v.Actor.User && !v.isOperator() {
		return refuse(CodeLiveNotFound, "you have no live %d", id)
	}
	return nil
}

// checkModerator returns nil if the actor is the owner of the live, one of its moderators or an operator, and a
// *Refusal otherwise. A moderator who is banned from the live has no rights.
func (v View) checkModerator(live Live, id LiveID) error {
	if live.isModerator(v.Actor.User) && !isBanned(live.Bans, v.Actor.User, v.Now) {
		return nil
	}
	if live.Streamer == 0 || !v.isOperator() {
		return refuse(CodeLiveNotFound, "you neither own live %d nor moderate it", id)
	}
	return nil
}

// checkTarget returns nil if the actor, who passes checkModerator, may act on a user in the live. Nobody may act on the
// owner, and only the owner and operators may act on a moderator.
func (v View) checkTarget(live Live, user UserID) error {
	switch {
	case user == live.Streamer:
		return refuse(CodeBadRequest, "nobody may act on the owner of a live: an operator can end the live instead")
	case slices.Contains(live.Moderators, user) && live.Streamer != v.Actor.User && !v.isOperator():
		return refuse(CodeForbidden, "user %d is a moderator of this live: only the owner and operators may act on moderators", user)
	}
	return nil
}

// activeBan returns the ban of a user that is active at the time now, or the zero Ban if there is none.
func activeBan(bans []Ban, user UserID, now time.Time) Ban {
	for _, b := range bans {
		if b.User == user && b.Active(now) {
			return b
		}
	}
	return Ban{}
}

// isBanned reports whether one of bans excludes a user at the time now.
func isBanned(bans []Ban, user UserID, now time.Time) bool {
	return activeBan(bans, user, now).User != 0
}

// activeBans returns the bans that have not expired.
func activeBans(bans []Ban, now time.Time) []Ban {
	return slices.DeleteFunc(slices.Clone(bans), func(b Ban) bool { return !b.Active(now) })
}

// withBan returns bans with an additional ban and without those that have expired. now is in Unix seconds.
func withBan(bans []Ban, ban Ban, now int64) []Ban {
	return append(activeBans(withoutBan(bans, ban.User), time.Unix(now, 0)), ban)
}

// withoutBan returns bans without those of user, or nil if none is left.
func withoutBan(bans []Ban, user UserID) []Ban {
	left := slices.DeleteFunc(slices.Clone(bans), func(b Ban) bool { return b.User == user })
	if len(left) == 0 {
		return nil
	}
	return left
}

func liveStreams(ids []LiveID) []Stream {
	streams := make([]Stream, 0, len(ids)+1)
	for _, id := range ids {
		streams = append(streams, liveStream(id))
	}
	return streams
}

// endLives returns the events that end the given lives of a streamer. It skips ids of lives that are neither on air nor
// paused.
func (v View) endLives(streamer UserID, ids []LiveID, reason string) []Event {
	var ends []Event
	for i, id := range ids {
		if live := v.Live(id); live.Streamer == streamer && live.checkOpen(id) == nil && !slices.Contains(ids[:i], id) {
			ends = append(ends, LiveStatusChanged{id, streamer, live.Status, StatusEnded, reason})
		}
	}
	return ends
}

// CreateLive creates a live that belongs to the actor.
type CreateLive struct {
	Title     string `json:"title"` // title of the live: 1–100 characters
	Cover     string `json:"cover"` // cover image: http or https URL, or path of an upload; may be empty
	StreamKey string `json:"-"`     // stream key of the live: 20 random characters of 0-9a-zA-Z

	Access     AccessKind `json:"access,omitempty"`  // who may be in the live; absent: everybody
	Price      Coins      `json:"price,omitempty"`   // price of a ticket in coins, for the access paid: 1 to 1,000,000; absent: 0
	MinAge     int        `json:"min_age,omitempty"` // age in years that viewers need: 1 to 100; absent: none
	Credential string     `json:"-"`                 // id of the hash of the password, for the access password
}

func (CreateLive) Type() string { return "live.create" }

func (CreateLive) Reads(Actor) []Stream { return []Stream{nextLive} }

func (c CreateLive) serverTexts() []string { return []string{c.Credential} }

func (c CreateLive) decide(view View) ([]Event, error) {
	title, err := text("title", c.Title, 1, maxTitle)
	if err != nil {
		return nil, err
	}
	if err := checkOptionalURL("cover", c.Cover); err != nil {
		return nil, err
	}
	if !validStreamKey(c.StreamKey) {
		return nil, refuse(CodeBadRequest, "a stream key must be %d of 0-9a-zA-Z", streamKeyLength)
	}
	live := view.NextLive()
	events := []Event{LiveCreated{live, view.Actor.User, title, c.Cover, c.StreamKey}}
	kind := c.Access
	if kind == "" {
		kind = AccessOpen
	}
	if err := checkAccess(kind, c.Credential, c.Price); err != nil {
		return nil, err
	}
	if err := checkMinAge(c.MinAge); err != nil {
		return nil, err
	}
	if kind != AccessOpen {
		events = append(events, LiveAccessSet{live, kind, c.Credential, c.Price})
	}
	if c.MinAge != 0 {
		events = append(events, LiveAgeSet{live, c.MinAge})
	}
	return events, nil
}

// MaxTicketPrice is the maximum price of a ticket in coins. It limits the cost of a mistyped number.
const MaxTicketPrice = Coins(1_000_000)

// MaxMinAge is the maximum age in years that a live can require.
const MaxMinAge = 100

func checkMinAge(age int) error {
	if age < 0 || age > MaxMinAge {
		return refuse(CodeNumberOutOfRange, "min_age must be from 1 to %d years, or 0 for no minimum age", MaxMinAge)
	}
	return nil
}

// checkAccess returns a *Refusal unless a live can have this access.
func checkAccess(kind AccessKind, credential string, price Coins) error {
	switch {
	case kind == AccessPaid && (price < 1 || price > MaxTicketPrice):
		return refuse(CodeNumberOutOfRange, "the access paid needs a price from 1 to %d coins", MaxTicketPrice)
	case kind != AccessPaid && price != 0:
		return refuse(CodeBadRequest, "price is for the access paid only")
	case !slices.Contains(AccessKinds[:], kind):
		return refuse(CodeBadRequest, "access must be one of %v", AccessKinds)
	case (kind == AccessPassword) != (credential != ""):
		return refuse(CodeBadRequest, "the access password needs a password, and no other access has one")
	}
	return nil
}

// LiveAccessSet records who may be in a live from now on.
type LiveAccessSet struct {
	Live       LiveID     `json:"live"`       // the live whose access changed
	Access     AccessKind `json:"access"`     // who may be in the live
	Credential string     `json:"credential"` // id of the hash of the password, which is stored outside the log; "" if there is no password
	Price      Coins      `json:"price"`      // price of a ticket in coins; 0 unless the access is paid
}

func (LiveAccessSet) Type() string        { return "live.access_set.v2" }
func (e LiveAccessSet) Stream() Stream    { return liveStream(e.Live) }
func (e LiveAccessSet) EventLive() LiveID { return e.Live }
func (e LiveAccessSet) evolve(l Live) Live {
	l.Access, l.Credential, l.Price = e.Access, e.Credential, e.Price
	return l
}

// LiveAgeSet records the age that viewers of a live need from now on.
type LiveAgeSet struct {
	Live   LiveID `json:"live"`    // the live whose minimum age changed
	MinAge int    `json:"min_age"` // age in years that the profile of a viewer must have; 0: none
}

func (LiveAgeSet) Type() string         { return "live.age_set.v1" }
func (e LiveAgeSet) Stream() Stream     { return liveStream(e.Live) }
func (e LiveAgeSet) EventLive() LiveID  { return e.Live }
func (e LiveAgeSet) evolve(l Live) Live { l.MinAge = e.MinAge; return l }

// streamKeyLength is the number of characters that clients expect in a stream key.
const streamKeyLength = 20

func validStreamKey(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z') {
			return false
		}
	}
	return len(s) == streamKeyLength
}

// LiveCreated records a new live. The stream key alone permits neither publishing nor playing: a client also needs a
// sign.
type LiveCreated struct {
	Live      LiveID `json:"live"`       // the new live
	Streamer  UserID `json:"streamer"`   // the user who owns the live
	Title     string `json:"title"`      // title of the live, shown to viewers
	Cover     string `json:"cover"`      // cover image: http or https URL, or path of an upload; may be empty
	StreamKey string `json:"stream_key"` // stream key, which identifies the stream of the live: 20 characters of 0-9a-zA-Z
}

func (LiveCreated) Type() string        { return "live.created.v1" }
func (e LiveCreated) Stream() Stream    { return liveStream(e.Live) }
func (e LiveCreated) EventLive() LiveID { return e.Live }
func (e LiveCreated) EventUser() UserID { return e.Streamer }
func (e LiveCreated) count() int64      { return int64(e.Live) }
func (e LiveCreated) evolve(Live) Live  { return Live{Streamer: e.Streamer, StreamKey: e.StreamKey} }
func (e *LiveCreated) personal() (UserID, []*string) {
	return e.Streamer, []*string{&e.Title, &e.Cover}
}

// ChangeLiveStatus puts a live of the actor on air, pauses it or permanently ends it. Operators may end every live.
type ChangeLiveStatus struct {
	Live   LiveID     `json:"live"`   // the live whose status changes
	To     LiveChange `json:"type"`   // the change of the status
	Reason string     `json:"reason"` // the operator's or streamer's reason, stored in the event: at most 100 characters, may be empty; must not identify a person
}

// LiveChange is a change of a live's status.
type LiveChange string

// The changes, spelled as in the wire protocol.
const (
	LivePlay  LiveChange = "play"
	LivePause LiveChange = "pause"
	LiveStop  LiveChange = "stop"
)

// targetStatus maps a change to the resulting status.
var targetStatus = map[LiveChange]Status{LivePlay: StatusOnAir, LivePause: StatusPaused, LiveStop: StatusEnded}

func (ChangeLiveStatus) Type() string { return "live.change_status" }

func (c ChangeLiveStatus) Reads(Actor) []Stream { return []Stream{liveStream(c.Live)} }

func (c ChangeLiveStatus) decide(view View) ([]Event, error) {
	live := view.Live(c.Live)
	to, known := targetStatus[c.To]
	switch {
	case live.Streamer == 0 || live.Streamer != view.Actor.User && !(c.To == LiveStop && view.isOperator()):
		return nil, refuse(CodeLiveNotFound, "you have no live %d", c.Live) // the same refusal as for a missing live, so that lives of other users are not disclosed
	case !known:
		return nil, refuse(CodeBadRequest, "type must be play, pause or stop")
	case live.Status == StatusEnded:
		return nil, refuse(CodeLiveEnded, "live %d has ended", c.Live)
	case to == live.Status:
		return nil, nil
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	return []Event{LiveStatusChanged{c.Live, live.Streamer, live.Status, to, reason}}, nil
}

// LiveStatusChanged records that a live went on air, was paused or ended.
type LiveStatusChanged struct {
	Live     LiveID `json:"live"`     // the live whose status changed
	Streamer UserID `json:"streamer"` // the owner of the live
	From     Status `json:"from"`     // previous status
	To       Status `json:"to"`       // new status
	Reason   string `json:"reason"`   // the operator's or streamer's reason; not sealed; may be empty
}

func (LiveStatusChanged) Type() string        { return "live.status_changed.v1" }
func (e LiveStatusChanged) Stream() Stream    { return liveStream(e.Live) }
func (e LiveStatusChanged) EventLive() LiveID { return e.Live }
func (e LiveStatusChanged) EventUser() UserID { return e.Streamer }
func (e LiveStatusChanged) evolve(l Live) Live {
	l.Status = e.To
	l.Started = l.Started || e.To == StatusOnAir
	return l
}
