package domain

import "fmt"

// PayoutID identifies a payout of earnings. The operator who requests the payout chooses it.
type PayoutID string

// PayoutStatus says whether the coins of a payout are held, paid out or returned.
type PayoutStatus string

// The statuses of payouts.
const (
	PayoutHeld PayoutStatus = "held"     // the coins are held until the streamer has been paid
	PayoutPaid PayoutStatus = "paid_out" // the streamer has been paid
	PayoutVoid PayoutStatus = "void"     // the coins went back to the earnings
)

// Payout is the state of a payout of earnings.
type Payout struct {
	Streamer  UserID       `json:"streamer"` // 0 if the payout does not exist
	Coins     Coins        `json:"coins"`
	Status    PayoutStatus `json:"status"`
	Reference string       `json:"reference"` // name of the payment outside roomlog; "" until the streamer has been paid
}

func payoutStream(id PayoutID) Stream { return Stream("payout-" + string(id)) }

// MaxPayoutText is the maximum length, in characters, of the id of a payout and of the reference of its payment.
const MaxPayoutText = 64

// RequestPayout holds coins of the earnings of a streamer until the streamer has been paid. Nothing changes if the same payout
// was requested before. The command is refused if the earnings do not cover it, or if the actor is the streamer.
type RequestPayout struct {
	Payout   PayoutID `json:"payout"`   // id for the payout, chosen by the operator: 1–64 characters of A-Z, a-z, 0-9, dot, underscore and hyphen
	Streamer UserID   `json:"streamer"` // the user whose earnings are paid out
	Coins    Coins    `json:"coins"`    // number of coins: 1 to 1,000,000,000,000
	Reason   string   `json:"reason"`   // the operator's reason, stored in the event: 1–100 characters; must not identify a person

	Received Coins `json:"-"` // number of coins that gifts and tickets have added to the earnings of the streamer
}

func (RequestPayout) Type() string { return "payout.request" }

func (c RequestPayout) Reads(Actor) []Stream {
	return []Stream{payoutStream(c.Payout), EarningsStream(c.Streamer), coinHoldsStream}
}

func (c RequestPayout) decide(view View) ([]Event, error) {
	reason, err := text("reason", c.Reason, 1, MaxReason)
	known := look[Payout](view, payoutStream(c.Payout))
	switch {
	case len(c.Payout) < 1 || len(c.Payout) > MaxPayoutText || !onlyOf(string(c.Payout), loginCharacters):
		return nil, refuse(CodeTextInvalid, "payout must have 1 to %d characters of A-Z, a-z, 0-9, dot, underscore and hyphen", MaxPayoutText)
	case c.Streamer < 1:
		return nil, refuse(CodeNumberOutOfRange, "streamer must be the id of a user")
	case c.Coins < 1 || c.Coins > maxOrderCoins:
		return nil, refuse(CodeNumberOutOfRange, "coins must be from 1 to %d", maxOrderCoins)
	case err != nil:
		return nil, err
	case view.Actor.User == c.Streamer:
		return nil, refuse(CodeForbidden, "operators may not pay out their own earnings")
	case known.Streamer != 0 && (known.Streamer != c.Streamer || known.Coins != c.Coins || known.Status == PayoutVoid):
		return nil, refuse(CodePayoutMismatch, "payout %s exists with another streamer or number of coins, or is void: choose another id", c.Payout)
	case known.Streamer != 0:
		return nil, nil
	}
	if err := view.coinsOpen(c.Streamer); err != nil {
		return nil, err
	}
	if err := view.checkEarnings(c.Streamer, c.Received, c.Coins); err != nil {
		return nil, err
	}
	return []Event{
		PayoutRequested{c.Payout, c.Streamer, c.Coins, reason},
		EarningsHeld{c.Streamer, c.Payout, c.Coins, transfer(c.Coins, EarningsAccount(c.Streamer), HeldAccount(c.Streamer))},
	}, nil
}

// openPayout returns a payout about which the actor may decide. streamer is the user whose earnings the command reads.
func (v View) openPayout(id PayoutID, streamer UserID) (Payout, error) {
	p := look[Payout](v, payoutStream(id))
	switch {
	case p.Streamer == 0:
		return p, refuse(CodePayoutNotFound, "there is no payout %s", id)
	case p.Streamer == v.Actor.User:
		return p, refuse(CodeForbidden, "operators may not pay out their own earnings")
	case p.Streamer != streamer: // a fault of the server
		return p, refuse(CodeBadRequest, "payout %s is about another streamer", id)
	}
	return p, nil
}

// CapturePayout records that a streamer has been paid. Nothing changes if the same payment was recorded before.
type CapturePayout struct {
	Payout    PayoutID `json:"payout"`    // the payout that was paid
	Reference string   `json:"reference"` // name of the payment outside roomlog, such as a bank transfer: 1–64 characters; must not identify a person

	Streamer UserID `json:"-"` // the user whose earnings are paid out
}

func (CapturePayout) Type() string { return "payout.capture" }

func (c CapturePayout) Reads(Actor) []Stream {
	return []Stream{payoutStream(c.Payout), EarningsStream(c.Streamer), coinHoldsStream}
}

func (c CapturePayout) decide(view View) ([]Event, error) {
	payout, err := view.openPayout(c.Payout, c.Streamer)
	if err != nil {
		return nil, err
	}
	reference, err := text("reference", c.Reference, 1, MaxPayoutText)
	switch {
	case err != nil:
		return nil, err
	case payout.Status == PayoutPaid && payout.Reference == reference:
		return nil, nil
	case payout.Status != PayoutHeld:
		return nil, refuse(CodePayoutClosed, "payout %s is void, or was paid out with another reference", c.Payout)
	}
	if err := view.coinsOpen(payout.Streamer); err != nil {
		return nil, err
	}
	return []Event{
		PayoutCaptured{c.Payout, payout.Streamer, payout.Coins, reference},
		EarningsPaidOut{payout.Streamer, c.Payout, payout.Coins, transfer(payout.Coins, HeldAccount(payout.Streamer), PayoutAccount)},
	}, nil
}

// VoidPayout gives the coins of a payout that was not paid back to the earnings. Nothing changes if this was done before.
type VoidPayout struct {
	Payout PayoutID `json:"payout"` // the payout to void
	Reason string   `json:"reason"` // the operator's reason, stored in the event: 1–100 characters; must not identify a person

	Streamer UserID `json:"-"` // the user whose earnings are held
}

func (VoidPayout) Type() string { return "payout.void" }

func (c VoidPayout) Reads(Actor) []Stream {
	return []Stream{payoutStream(c.Payout), EarningsStream(c.Streamer), coinHoldsStream}
}

func (c VoidPayout) decide(view View) ([]Event, error) {
	payout, err := view.openPayout(c.Payout, c.Streamer)
	if err != nil {
		return nil, err
	}
	reason, err := text("reason", c.Reason, 1, MaxReason)
	switch {
	case err != nil:
		return nil, err
	case payout.Status == PayoutVoid:
		return nil, nil
	case payout.Status != PayoutHeld:
		return nil, refuse(CodePayoutClosed, "payout %s was paid out: correct the earnings if the money came back", c.Payout)
	}
	if err := view.coinsOpen(payout.Streamer); err != nil {
		return nil, err
	}
	return []Event{
		PayoutVoided{c.Payout, payout.Streamer, payout.Coins, reason},
		EarningsReleased{payout.Streamer, c.Payout, payout.Coins, transfer(payout.Coins, HeldAccount(payout.Streamer), EarningsAccount(payout.Streamer))},
	}, nil
}

// PayoutRequested records that a payout of earnings was requested. The event earnings.held.v1, which follows, moves the
// coins.
type PayoutRequested struct {
	Payout   PayoutID `json:"payout"`   // the new payout
	Streamer UserID   `json:"streamer"` // the user whose earnings are paid out
	Coins    Coins    `json:"coins"`    // number of coins
	Reason   string   `json:"reason"`   // the operator's reason; not sealed
}

func (PayoutRequested) Type() string        { return "payout.requested.v1" }
func (e PayoutRequested) Stream() Stream    { return payoutStream(e.Payout) }
func (e PayoutRequested) EventUser() UserID { return e.Streamer }
func (e PayoutRequested) evolve(Payout) Payout {
	return Payout{Streamer: e.Streamer, Coins: e.Coins, Status: PayoutHeld}
}

// PayoutCaptured records that a streamer has been paid. The event earnings.paid_out.v1, which follows, moves the coins.
type PayoutCaptured struct {
	Payout    PayoutID `json:"payout"`    // the payout that was paid
	Streamer  UserID   `json:"streamer"`  // the user whose earnings were paid out
	Coins     Coins    `json:"coins"`     // number of coins
	Reference string   `json:"reference"` // name of the payment outside roomlog; not sealed
}

func (PayoutCaptured) Type() string        { return "payout.captured.v1" }
func (e PayoutCaptured) Stream() Stream    { return payoutStream(e.Payout) }
func (e PayoutCaptured) EventUser() UserID { return e.Streamer }
func (e PayoutCaptured) evolve(p Payout) Payout {
	p.Status, p.Reference = PayoutPaid, e.Reference
	return p
}

// PayoutVoided records that a payout is void. The event earnings.released.v1, which follows, moves the coins.
type PayoutVoided struct {
	Payout   PayoutID `json:"payout"`   // the payout that is void
	Streamer UserID   `json:"streamer"` // the user whose earnings were held
	Coins    Coins    `json:"coins"`    // number of coins
	Reason   string   `json:"reason"`   // the operator's reason; not sealed
}

func (PayoutVoided) Type() string             { return "payout.voided.v1" }
func (e PayoutVoided) Stream() Stream         { return payoutStream(e.Payout) }
func (e PayoutVoided) EventUser() UserID      { return e.Streamer }
func (e PayoutVoided) evolve(p Payout) Payout { p.Status = PayoutVoid; return p }

// EarningsHeld records that coins of the earnings of a streamer are held for a payout.
type EarningsHeld struct {
	Streamer UserID    `json:"streamer"` // the user whose earnings are held
	Payout   PayoutID  `json:"payout"`   // the payout whose coins are held
	Coins    Coins     `json:"coins"`    // number of coins
	Postings []Posting `json:"postings"` // postings from the earnings to the coins that are held
}

func (EarningsHeld) Type() string                 { return "earnings.held.v1" }
func (e EarningsHeld) Stream() Stream             { return EarningsStream(e.Streamer) }
func (e EarningsHeld) EventUser() UserID          { return e.Streamer }
func (e EarningsHeld) EventPostings() []Posting   { return e.Postings }
func (e EarningsHeld) evolve(s Earnings) Earnings { s.Taken += e.Coins; s.Held += e.Coins; return s }
func (e EarningsHeld) checkPostings() error {
	return checkTransfer(e.Postings, e.Coins, EarningsAccount(e.Streamer), HeldAccount(e.Streamer), 0)
}

// EarningsPaidOut records that coins that were held have been paid out.
type EarningsPaidOut struct {
	Streamer UserID    `json:"streamer"` // the user whose earnings were paid out
	Payout   PayoutID  `json:"payout"`   // the payout that was paid out
	Coins    Coins     `json:"coins"`    // number of coins
	Postings []Posting `json:"postings"` // postings from the coins that were held to the coins that were paid out
}

func (EarningsPaidOut) Type() string               { return "earnings.paid_out.v1" }
func (e EarningsPaidOut) Stream() Stream           { return EarningsStream(e.Streamer) }
func (e EarningsPaidOut) EventUser() UserID        { return e.Streamer }
func (e EarningsPaidOut) EventPostings() []Posting { return e.Postings }
func (e EarningsPaidOut) check(s Earnings) error   { return s.checkHeld(e.Coins) }
func (e EarningsPaidOut) evolve(s Earnings) Earnings {
	s.Held -= e.Coins
	s.PaidOut += e.Coins
	return s
}

func (e EarningsPaidOut) checkPostings() error {
	return checkTransfer(e.Postings, e.Coins, HeldAccount(e.Streamer), PayoutAccount, 0)
}

// EarningsReleased records that coins that were held went back to the earnings.
type EarningsReleased struct {
	Streamer UserID    `json:"streamer"` // the user whose earnings were held
	Payout   PayoutID  `json:"payout"`   // the payout that was made void
	Coins    Coins     `json:"coins"`    // number of coins
	Postings []Posting `json:"postings"` // postings from the coins that were held to the earnings
}

func (EarningsReleased) Type() string               { return "earnings.released.v1" }
func (e EarningsReleased) Stream() Stream           { return EarningsStream(e.Streamer) }
func (e EarningsReleased) EventUser() UserID        { return e.Streamer }
func (e EarningsReleased) EventPostings() []Posting { return e.Postings }
func (e EarningsReleased) check(s Earnings) error   { return s.checkHeld(e.Coins) }
func (e EarningsReleased) evolve(s Earnings) Earnings {
	s.Taken -= e.Coins
	s.Held -= e.Coins
	return s
}

func (e EarningsReleased) checkPostings() error {
	return checkTransfer(e.Postings, e.Coins, HeldAccount(e.Streamer), EarningsAccount(e.Streamer), 0)
}

// checkHeld returns an error unless at least coins are held.
func (s Earnings) checkHeld(coins Coins) error {
	if s.Held < coins {
		return fmt.Errorf("the event moves %d coins, but only %d are held", coins, s.Held)
	}
	return nil
}
