package domain

import (
	"fmt"
	"slices"
)

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
	Price      Coins      `json:"price"`  // price of a ticket in coins, for the access paid: 1 to 1,000,000; otherwise 0
	Credential string     `json:"-"`      // id of the hash of the password, for the access password
}

func (SetAccess) Type() string { return "live.set_access" }

func (c SetAccess) Reads(Actor) []Stream { return []Stream{liveStream(c.Live)} }

func (c SetAccess) serverTexts() []string { return []string{c.Credential} }

func (c SetAccess) decide(view View) ([]Event, error) {
	live := view.Live(c.Live)
	err := view.checkOwner(live, c.Live)
	if err == nil {
		err = checkAccess(c.Access, c.Credential, c.Price)
	}
	was := live.Access
	if was == "" {
		was = AccessOpen
	}
	if err != nil || was == c.Access && live.Credential == c.Credential && live.Price == c.Price {
		return nil, err
	}
	return []Event{LiveAccessSet{c.Live, c.Access, c.Credential, c.Price}}, nil
}

// SetMinAge sets the age that viewers of a live need. Users whose profile has a lower age, or none, leave the live. The
// owner of the live and operators may issue this command.
type SetMinAge struct {
	Live   LiveID `json:"live"`    // the live whose minimum age is set
	MinAge int    `json:"min_age"` // age in years that the profile of a viewer must have: 1 to 100; 0: none
}

func (SetMinAge) Type() string { return "live.set_min_age" }

func (c SetMinAge) Reads(Actor) []Stream { return []Stream{liveStream(c.Live)} }

func (c SetMinAge) decide(view View) ([]Event, error) {
	live := view.Live(c.Live)
	err := view.checkOwner(live, c.Live)
	if err == nil {
		err = checkMinAge(c.MinAge)
	}
	if err != nil || live.MinAge == c.MinAge {
		return nil, err
	}
	return []Event{LiveAgeSet(c)}, nil
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
	User       UserID `json:"user"`       // the user who was let in
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

// CreateInvitation creates an invitation to a live. Everybody who knows its secret may use it until it ends or Uses
// users have used it. The owner of the live and operators may issue this command.
type CreateInvitation struct {
	Live    LiveID `json:"live"`    // the live that the invitation admits to
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
	Live       LiveID `json:"live"`            // the live that the invitation admits to
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
	Live       LiveID `json:"live"`       // the live of the invitation
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

// HasInvitation reports whether the live has the invitation id, not revoked, that at least more users may still use. It
// does not check the end of the invitation.
func (l Live) HasInvitation(id, more int64) bool {
	i := l.invitation(func(i Invitation) bool { return i.ID == id })
	return i.ID != 0 && i.Used+more <= i.Uses
}

// InvitationRevoked records the end of an invitation.
type InvitationRevoked struct {
	Live       LiveID `json:"live"`       // the live of the invitation
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
		return nil, refuse(CodeInvitationClosed, "this invitation is used up: ask for another one")
	case i.Until != 0 && view.Now.Unix() >= i.Until:
		return nil, refuse(CodeInvitationClosed, "this invitation has expired: ask for another one")
	}
	return []Event{InvitationUsed{c.Live, view.Actor.User, i.ID}, ViewerAdmitted{c.Live, view.Actor.User, "", i.ID}}, nil
}

// InvitationUsed records that a user has used an invitation. ViewerAdmitted follows.
type InvitationUsed struct {
	Live       LiveID `json:"live"`       // the live of the invitation
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

// BuyTicket lets the actor into a live with the access paid, and pays for it with coins from the wallet of the actor. A user
// has at most one ticket for a live.
type BuyTicket struct {
	Live  LiveID `json:"live"`  // the live of the ticket
	Price Coins  `json:"price"` // price that the actor has seen: the command is refused if the ticket has another one

	Streamer UserID `json:"-"` // the owner of the live
}

func (BuyTicket) Type() string { return "ticket.buy" }

func (c BuyTicket) Reads(actor Actor) []Stream {
	return []Stream{liveStream(c.Live), visitStream(c.Live, actor.User), userStream(c.Streamer), WalletStream(actor.User), shareStream, coinHoldsStream}
}

func (c BuyTicket) decide(view View) ([]Event, error) {
	live, err := c.check(view)
	if err != nil {
		return nil, err
	}
	buyer := view.Actor.User
	if err := view.coinsOpen(buyer); err != nil {
		return nil, err
	}
	balance := view.Wallet(buyer).Balance
	if balance < c.Price {
		return nil, refuse(CodeCoinsTooFew, "the ticket costs more than the %d coins left", balance)
	}
	rule := view.Share()
	share := ShareOf(c.Price, rule.BasisPoints)
	return []Event{
		TicketIssued{c.Live, buyer, c.Price, share},
		TicketBought{
			User: buyer, Streamer: live.Streamer, Live: c.Live, Coins: c.Price,
			ShareRule: rule.Rule, BasisPoints: rule.BasisPoints, Share: share, BalanceAfter: balance - c.Price,
			Postings: split(c.Price, share, buyer, live.Streamer),
		},
	}, nil
}

// check returns the live, and a *Refusal unless the actor can buy a ticket for it at the price.
func (c BuyTicket) check(view View) (Live, error) {
	live, visit := view.Live(c.Live), view.Visit(c.Live, view.Actor.User)
	if err := view.checkEntrance(live, c.Live); err != nil {
		return live, err
	}
	entrant := view.entrant(live, visit)
	switch {
	case live.Streamer != c.Streamer: // a fault of the server
		return live, refuse(CodeBadRequest, "live %d belongs to another streamer", c.Live)
	case live.Access != AccessPaid:
		return live, refuse(CodeTicketNotSold, "live %d has no tickets: its access is not paid", c.Live)
	case entrant.Ticket:
		return live, refuse(CodeTicketNotNeeded, "you have a ticket for live %d", c.Live)
	case entrant.Moderates || entrant.Invited:
		return live, refuse(CodeTicketNotNeeded, "you may be in live %d without a ticket", c.Live)
	case c.Price != live.Price:
		return live, refuse(CodeTicketPrice, "a ticket for live %d costs %d coins now: send this price", c.Live, live.Price)
	}
	if err := view.User(live.Streamer).Status().Check(live.Streamer, view.Now); err != nil {
		return live, refuse(CodeTicketNotSold, "live %d has no tickets: its streamer may not stream now", c.Live)
	}
	entrant.Ticket = true // as it will be
	return live, live.Access.Check(c.Live, live.MinAge, entrant)
}

// TicketIssued records that a user has a ticket for a live. TicketBought, which follows, moves the coins.
type TicketIssued struct {
	Live  LiveID `json:"live"`  // the live of the ticket
	User  UserID `json:"user"`  // the user who has bought the ticket
	Coins Coins  `json:"coins"` // price of the ticket in coins
	Share Coins  `json:"share"` // the platform's share of the coins
}

func (TicketIssued) Type() string        { return "ticket.issued.v1" }
func (e TicketIssued) Stream() Stream    { return visitStream(e.Live, e.User) }
func (e TicketIssued) EventLive() LiveID { return e.Live }
func (e TicketIssued) EventUser() UserID { return e.User }
func (e TicketIssued) evolve(v Visit) Visit {
	v.Ticket = Ticket{Coins: e.Coins, Share: e.Share, Refunded: v.Ticket.Refunded}
	return v
}

// TicketBought records that a ticket for a live was paid for.
type TicketBought struct {
	User         UserID    `json:"user"`          // the user who bought the ticket and paid for it
	Streamer     UserID    `json:"streamer"`      // the owner of the live, who receives the coins as earnings
	Live         LiveID    `json:"live"`          // the live of the ticket
	Coins        Coins     `json:"coins"`         // price of the ticket in coins
	ShareRule    int64     `json:"share_rule"`    // number of the rule that splits the coins; 0: no rule was set
	BasisPoints  int       `json:"basis_points"`  // share of the platform by the rule, in hundredths of a percent
	Share        Coins     `json:"share"`         // coins of the platform: coins × basis_points / 10,000, rounded down
	BalanceAfter Coins     `json:"balance_after"` // balance of the user's wallet after the event
	Postings     []Posting `json:"postings"`      // postings from the user's wallet to the streamer's earnings, and to the platform unless its share is 0
}

func (TicketBought) Type() string               { return "ticket.bought.v1" }
func (e TicketBought) Stream() Stream           { return WalletStream(e.User) }
func (e TicketBought) EventLive() LiveID        { return e.Live }
func (e TicketBought) EventUser() UserID        { return e.User }
func (e TicketBought) EventPostings() []Posting { return e.Postings }
func (e TicketBought) evolve(w Wallet) Wallet   { w.Balance = e.BalanceAfter; return w }
func (e TicketBought) check(w Wallet) error     { return w.checkBalance(-e.Coins, e.BalanceAfter) }

func (e TicketBought) checkPostings() error {
	if e.Coins < 1 || e.Coins > MaxTicketPrice {
		return fmt.Errorf("a ticket cannot cost %d coins", e.Coins)
	}
	if e.BasisPoints < 0 || e.BasisPoints > MaxShare || e.Share != ShareOf(e.Coins, e.BasisPoints) {
		return fmt.Errorf("the share of %d coins with %d basis points is not %d", e.Coins, e.BasisPoints, e.Share)
	}
	return checkSplit(e.Postings, split(e.Coins, e.Share, e.User, e.Streamer), e.BalanceAfter)
}

// RefundTicket gives all coins of a ticket back to the user who bought it. The owner of the live may do so until the
// live starts, operators at any time; neither may do so for a ticket of their own. The buyer may do so if the live has
// ended without a start. A live starts when it is on air or has a broadcast for the first time. The command is refused
// if the earnings of the streamer no longer cover the ticket, or if the payment of the ticket was set aside, because no
// coins have moved then.
type RefundTicket struct {
	Live   LiveID `json:"live"`   // the live of the ticket
	User   UserID `json:"user"`   // the user who has the ticket
	Reason string `json:"reason"` // reason of the actor, stored in the event: 1–100 characters; must not identify a person

	Streamer UserID `json:"-"` // the owner of the live
	Position int64  `json:"-"` // position of the event that has issued the ticket, which the caller has read from the tables
	Received Coins  `json:"-"` // number of coins that gifts and tickets have added to the earnings of the streamer
}

func (RefundTicket) Type() string { return "ticket.refund" }

func (c RefundTicket) Reads(Actor) []Stream {
	return []Stream{liveStream(c.Live), visitStream(c.Live, c.User), EarningsStream(c.Streamer), WalletStream(c.User), userStream(c.User), coinHoldsStream, setAsideStream(c.payment())}
}

// payment returns the position of the payment, which directly follows the ticket.
func (c RefundTicket) payment() int64 { return c.Position + 1 }

func (c RefundTicket) decide(view View) ([]Event, error) {
	live, ticket := view.Live(c.Live), view.Visit(c.Live, c.User).Ticket
	if err := c.authorize(view, live); err != nil {
		return nil, err
	}
	reason, err := text("reason", c.Reason, 1, MaxReason)
	switch {
	case err != nil:
		return nil, err
	case !ticket.Valid():
		return nil, refuse(CodeTicketNotFound, "user %d has no ticket for live %d, or it was refunded", c.User, c.Live)
	case c.Position < 1:
		return nil, refuse(CodeTicketNotFound, "the tables do not contain the ticket of user %d for live %d: decide about its event first (roomlog events list)", c.User, c.Live)
	case c.payment() <= ticket.Refunded:
		return nil, refuse(CodeTicketNotFound, "the ticket of user %d for live %d was refunded, and bought again, in between: try again", c.User, c.Live)
	case look[SetAside](view, setAsideStream(c.payment())).Done:
		return nil, refuse(CodeTicketNotFound, "the payment of the ticket of user %d for live %d was set aside: there are no coins to give back", c.User, c.Live)
	case live.Streamer != c.Streamer: // a fault of the server
		return nil, refuse(CodeBadRequest, "live %d belongs to another streamer", c.Live)
	}
	if _, err := view.existingUser(c.User); err != nil { // nobody could use the coins
		return nil, err
	}
	for _, user := range []UserID{c.User, live.Streamer} {
		if err := view.coinsOpen(user); err != nil {
			return nil, err
		}
	}
	net := ticket.Coins - ticket.Share
	if err := view.checkEarnings(live.Streamer, c.Received, net); err != nil {
		return nil, err
	}
	balance := view.Wallet(c.User).Balance
	if balance > MaxCoins-ticket.Coins {
		return nil, refuse(CodeCoinsOverflow, "a wallet must hold at most %d coins", MaxCoins)
	}
	return []Event{
		TicketReturned{c.Live, c.User, c.payment(), reason},
		TicketEarningsRefunded{live.Streamer, c.Live, c.User, net},
		TicketRefunded{
			User: c.User, Streamer: live.Streamer, Live: c.Live, Position: c.payment(), Coins: ticket.Coins, Share: ticket.Share,
			BalanceAfter: balance + ticket.Coins, Postings: unsplit(ticket.Coins, ticket.Share, c.User, live.Streamer),
		},
	}, nil
}

// authorize returns a *Refusal unless the actor may refund the ticket; see RefundTicket.
func (c RefundTicket) authorize(view View, live Live) error {
	own := view.Actor.User != 0 && view.Actor.User == c.User
	switch {
	case live.Streamer != 0 && own && live.Status == StatusEnded && !live.Started:
		return nil
	case live.Streamer != 0 && own:
		return refuse(CodeForbidden, "nobody may refund the own ticket before the live has ended without a start: ask the streamer or an operator")
	}
	err := view.checkOwner(live, c.Live)
	if err == nil && live.Started && !view.isOperator() {
		return refuse(CodeTicketStarted, "live %d has started: only an operator may refund its tickets now", c.Live)
	}
	return err
}

// TicketReturned records that a user has no ticket for a live any more, and why it was refunded. TicketRefunded, which
// follows, moves the coins.
type TicketReturned struct {
	Live     LiveID `json:"live"`     // the live of the ticket
	User     UserID `json:"user"`     // the user who had the ticket
	Position int64  `json:"position"` // position of the event of the payment, ticket.bought; 0 in events of the earlier version
	Reason   string `json:"reason"`   // reason of the streamer, operator or user; not sealed
}

func (TicketReturned) Type() string        { return "ticket.returned.v2" }
func (e TicketReturned) Stream() Stream    { return visitStream(e.Live, e.User) }
func (e TicketReturned) EventLive() LiveID { return e.Live }
func (e TicketReturned) EventUser() UserID { return e.User }
func (e TicketReturned) evolve(v Visit) Visit {
	v.Ticket.Returned, v.Ticket.Refunded = true, e.Position
	return v
}

// TicketEarningsRefunded records that the refund of a ticket takes coins from the earnings of a streamer. TicketRefunded
// moves them.
type TicketEarningsRefunded struct {
	Streamer UserID `json:"streamer"` // the user whose earnings become smaller
	Live     LiveID `json:"live"`     // the live of the ticket
	Buyer    UserID `json:"buyer"`    // the user who had the ticket
	Coins    Coins  `json:"coins"`    // number of coins
}

func (TicketEarningsRefunded) Type() string                 { return "earnings.ticket_refunded.v1" }
func (e TicketEarningsRefunded) Stream() Stream             { return EarningsStream(e.Streamer) }
func (e TicketEarningsRefunded) EventLive() LiveID          { return e.Live }
func (e TicketEarningsRefunded) EventUser() UserID          { return e.Streamer }
func (e TicketEarningsRefunded) evolve(s Earnings) Earnings { s.Taken += e.Coins; return s }

// TicketRefunded records that the coins of a ticket went back to the user who bought it.
type TicketRefunded struct {
	User         UserID    `json:"user"`          // the user who bought the ticket and gets the coins
	Streamer     UserID    `json:"streamer"`      // the owner of the live, whose earnings become smaller
	Live         LiveID    `json:"live"`          // the live of the ticket
	Position     int64     `json:"position"`      // position of the event of the payment, ticket.bought; 0 in events of the earlier version
	Coins        Coins     `json:"coins"`         // price of the ticket that is refunded, in coins
	Share        Coins     `json:"share"`         // the platform's share of the coins, which it gives back
	BalanceAfter Coins     `json:"balance_after"` // balance of the user's wallet after the event
	Postings     []Posting `json:"postings"`      // the postings of the ticket in the other direction
}

func (TicketRefunded) Type() string               { return "ticket.refunded.v2" }
func (e TicketRefunded) Stream() Stream           { return WalletStream(e.User) }
func (e TicketRefunded) EventLive() LiveID        { return e.Live }
func (e TicketRefunded) EventUser() UserID        { return e.User }
func (e TicketRefunded) EventPostings() []Posting { return e.Postings }
func (e TicketRefunded) evolve(w Wallet) Wallet   { w.Balance = e.BalanceAfter; return w }
func (e TicketRefunded) check(w Wallet) error     { return w.checkBalance(e.Coins, e.BalanceAfter) }

func (e TicketRefunded) checkPostings() error {
	if e.Position < 0 {
		return fmt.Errorf("the event refunds a ticket of position %d", e.Position)
	}
	if e.Share < 0 || e.Share >= e.Coins {
		return fmt.Errorf("%d of %d coins cannot be the share of the platform", e.Share, e.Coins)
	}
	return checkSplit(e.Postings, unsplit(e.Coins, e.Share, e.User, e.Streamer), e.BalanceAfter)
}
