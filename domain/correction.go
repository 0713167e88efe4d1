package domain

import (
	"fmt"
	"time"
)

// CorrectionID identifies a correction of a balance.
type CorrectionID int64

// Correction is the state of a correction of a balance.
type Correction struct {
	Account  Account `json:"account"` // account to correct; "" if the correction does not exist
	User     UserID  `json:"user"`
	Coins    Coins   `json:"coins"`
	Proposer string  `json:"proposer"` // name of the actor who has proposed the correction
	Expires  int64   `json:"expires"`  // time from which the correction can no longer be approved, in Unix seconds
	Open     bool    `json:"open"`     // whether the correction waits for an approval
}

func correctionStream(id CorrectionID) Stream { return numberedStream("correction-", int64(id)) }

// owner returns the user whose wallet or earnings an account contains, or 0 for other accounts.
func (a Account) owner() UserID {
	return max(numberAfter(string(WalletKind)+"-", string(a)), numberAfter(string(EarningsKind)+"-", string(a)))
}

// stream returns the stream of the wallet or of the earnings that an account contains.
func (a Account) stream() Stream {
	if user := numberAfter(string(EarningsKind)+"-", string(a)); user > 0 {
		return EarningsStream(user)
	}
	return WalletStream(a.owner())
}

// MaxCorrectionPeriod is the maximum time within which a correction must be approved.
const MaxCorrectionPeriod = 30 * 24 * time.Hour

// ProposeCorrection corrects the balance of a wallet or of earnings. Up to the limit of the server the coins move at once.
// Above it a second operator must approve the correction. The user whose balance it is cannot propose it.
type ProposeCorrection struct {
	Account Account `json:"account"` // account to correct: user-ID (the wallet of a user) or earnings-ID (the earnings of a streamer)
	Coins   Coins   `json:"coins"`   // number of coins to add, not 0; negative to take coins
	Reason  string  `json:"reason"`  // the operator's reason, stored in the event: 1–100 characters; must not identify a person

	Limit    Coins         `json:"-"` // maximum number of coins that needs no approval
	Period   time.Duration `json:"-"` // time within which another operator must approve the correction
	Received Coins         `json:"-"` // number of coins that gifts and tickets have added to the earnings; not used for a wallet
}

func (ProposeCorrection) Type() string { return "correction.propose" }

func (c ProposeCorrection) Reads(Actor) []Stream {
	return []Stream{nextCorrection, userStream(c.Account.owner()), c.Account.stream(), coinHoldsStream}
}

func (c ProposeCorrection) decide(view View) ([]Event, error) {
	user := c.Account.owner()
	reason, err := text("reason", c.Reason, 1, MaxReason)
	switch {
	case user == 0:
		return nil, refuse(CodeBadRequest, "account must be user-ID (the wallet of a user) or earnings-ID (the earnings of a streamer)")
	case c.Coins == 0 || c.Coins > maxOrderCoins || c.Coins < -maxOrderCoins:
		return nil, refuse(CodeNumberOutOfRange, "coins must be 1 to %d, or -1 to -%[1]d", maxOrderCoins)
	case err != nil:
		return nil, err
	case view.Actor.User == user:
		return nil, refuse(CodeForbidden, "operators may not correct their own balance")
	}
	if _, err := view.existingUser(user); err != nil {
		return nil, err
	}
	id := CorrectionID(view.next(nextCorrection))
	open := max(c.Coins, -c.Coins) > c.Limit
	proposed := CorrectionProposed{id, c.Account, user, c.Coins, view.Actor.String(), reason, view.Now.Add(min(max(c.Period, 0), MaxCorrectionPeriod)).Unix(), open}
	booked, err := view.correct(id, proposed.evolve(Correction{}), c.Received)
	if err != nil { // a correction that cannot be booked now is refused at once
		return nil, err
	}
	if open {
		return []Event{proposed}, nil
	}
	return []Event{proposed, booked}, nil
}

// correct returns the event that moves the coins of a correction.
func (v View) correct(id CorrectionID, c Correction, received Coins) (Event, error) {
	if err := v.coinsOpen(c.User); err != nil {
		return nil, err
	}
	postings := transfer(c.Coins, CorrectionAccount, c.Account)
	if c.Account == EarningsAccount(c.User) {
		if c.Coins < 0 {
			if err := v.checkEarnings(c.User, received, -c.Coins); err != nil {
				return nil, err
			}
		}
		return EarningsCorrected{c.User, id, c.Coins, postings}, nil
	}
	switch balance := v.Wallet(c.User).Balance; {
	case balance+c.Coins < 0:
		return nil, refuse(CodeCoinsTooFew, "the wallet has only %d coins", balance)
	case balance > MaxCoins-c.Coins:
		return nil, refuse(CodeCoinsOverflow, "a wallet must hold at most %d coins", MaxCoins)
	default:
		return CoinsCorrected{c.User, id, c.Coins, balance + c.Coins, postings}, nil
	}
}

// CorrectionProposed records that an operator wants to correct a balance.
type CorrectionProposed struct {
	Correction CorrectionID `json:"correction"` // the new correction
	Account    Account      `json:"account"`    // account to correct, such as "user-12" or "earnings-7"
	User       UserID       `json:"user"`       // the user whose account it is
	Coins      Coins        `json:"coins"`      // number of coins to add; negative to take coins
	Proposer   string       `json:"proposer"`   // the operator, as the metadata of the event contains it
	Reason     string       `json:"reason"`     // the operator's reason; not sealed
	Expires    int64        `json:"expires"`    // time from which the correction can no longer be approved, in Unix seconds
	Open       bool         `json:"open"`       // whether another operator must approve the correction; otherwise the coins move at once
}

func (CorrectionProposed) Type() string        { return "correction.proposed.v1" }
func (e CorrectionProposed) Stream() Stream    { return correctionStream(e.Correction) }
func (e CorrectionProposed) EventUser() UserID { return e.User }
func (e CorrectionProposed) count() int64      { return int64(e.Correction) }
func (e CorrectionProposed) evolve(Correction) Correction {
	return Correction{e.Account, e.User, e.Coins, e.Proposer, e.Expires, e.Open}
}

// ApproveCorrection approves a correction, which moves its coins. The operator must be another one than the proposer, and
// not the user whose balance it is.
type ApproveCorrection struct {
	Correction CorrectionID `json:"correction"` // the correction to approve

	Account  Account `json:"-"` // account of the correction
	Received Coins   `json:"-"` // number of coins that gifts and tickets have added to the earnings; not used for a wallet
}

func (ApproveCorrection) Type() string { return "correction.approve" }

func (c ApproveCorrection) Reads(Actor) []Stream {
	return []Stream{correctionStream(c.Correction), userStream(c.Account.owner()), c.Account.stream(), coinHoldsStream}
}

func (c ApproveCorrection) decide(view View) ([]Event, error) {
	correction, err := view.openCorrection(c.Correction)
	switch {
	case err != nil:
		return nil, err
	case correction.Account != c.Account: // a fault of the server
		return nil, refuse(CodeBadRequest, "correction %d is about another account", c.Correction)
	case correction.Proposer == view.Actor.String():
		return nil, refuse(CodeForbidden, "another operator must approve the correction")
	case view.Now.Unix() >= correction.Expires:
		return nil, refuse(CodeCorrectionClosed, "correction %d was not approved in time", c.Correction)
	}
	if _, err := view.existingUser(correction.User); err != nil { // forgotten since the proposal
		return nil, err
	}
	booked, err := view.correct(c.Correction, correction, c.Received)
	if err != nil {
		return nil, err
	}
	return []Event{CorrectionApproved{c.Correction, correction.User}, booked}, nil
}

// openCorrection returns a correction that waits for an approval, and about which the actor may decide.
func (v View) openCorrection(id CorrectionID) (Correction, error) {
	c := look[Correction](v, correctionStream(id))
	switch {
	case c.Account == "":
		return c, refuse(CodeCorrectionNotFound, "there is no correction %d", id)
	case c.User == v.Actor.User:
		return c, refuse(CodeForbidden, "operators may not decide about their own balance")
	case !c.Open:
		return c, refuse(CodeCorrectionClosed, "correction %d is decided already", id)
	}
	return c, nil
}

// CorrectionApproved records that a second operator has approved a correction. The event that moves the coins follows.
type CorrectionApproved struct {
	Correction CorrectionID `json:"correction"` // the correction that was approved
	User       UserID       `json:"user"`       // the user whose balance is corrected
}

func (CorrectionApproved) Type() string                   { return "correction.approved.v1" }
func (e CorrectionApproved) Stream() Stream               { return correctionStream(e.Correction) }
func (e CorrectionApproved) EventUser() UserID            { return e.User }
func (CorrectionApproved) evolve(c Correction) Correction { c.Open = false; return c }

// RejectCorrection rejects a correction that waits for an approval. The proposer may withdraw it in this way.
type RejectCorrection struct {
	Correction CorrectionID `json:"correction"` // the correction to reject
	Reason     string       `json:"reason"`     // the operator's reason, stored in the event: 1–100 characters; must not identify a person
}

func (RejectCorrection) Type() string { return "correction.reject" }

func (c RejectCorrection) Reads(Actor) []Stream { return []Stream{correctionStream(c.Correction)} }

func (c RejectCorrection) decide(view View) ([]Event, error) {
	correction, err := view.openCorrection(c.Correction)
	if err != nil {
		return nil, err
	}
	reason, err := text("reason", c.Reason, 1, MaxReason)
	if err != nil {
		return nil, err
	}
	return []Event{CorrectionRejected{c.Correction, correction.User, reason}}, nil
}

// CorrectionRejected records that a correction was rejected or withdrawn.
type CorrectionRejected struct {
	Correction CorrectionID `json:"correction"` // the correction that was rejected
	User       UserID       `json:"user"`       // the user whose balance stays as it is
	Reason     string       `json:"reason"`     // the operator's reason; not sealed
}

func (CorrectionRejected) Type() string                   { return "correction.rejected.v1" }
func (e CorrectionRejected) Stream() Stream               { return correctionStream(e.Correction) }
func (e CorrectionRejected) EventUser() UserID            { return e.User }
func (CorrectionRejected) evolve(c Correction) Correction { c.Open = false; return c }

// CoinsCorrected records that a correction has changed the balance of a wallet.
type CoinsCorrected struct {
	User         UserID       `json:"user"`          // the user whose wallet was corrected
	Correction   CorrectionID `json:"correction"`    // the correction that moved the coins
	Coins        Coins        `json:"coins"`         // number of coins that were added; negative if coins were taken
	BalanceAfter Coins        `json:"balance_after"` // balance of the wallet after the event
	Postings     []Posting    `json:"postings"`      // postings from the account of corrections to the user
}

func (CoinsCorrected) Type() string               { return "coins.corrected.v1" }
func (e CoinsCorrected) Stream() Stream           { return WalletStream(e.User) }
func (e CoinsCorrected) EventUser() UserID        { return e.User }
func (e CoinsCorrected) EventPostings() []Posting { return e.Postings }
func (e CoinsCorrected) evolve(w Wallet) Wallet   { w.Balance = e.BalanceAfter; return w }
func (e CoinsCorrected) check(w Wallet) error     { return w.checkBalance(e.Coins, e.BalanceAfter) }
func (e CoinsCorrected) checkPostings() error {
	return checkCorrection(e.Correction, e.Postings, e.Coins, WalletAccount(e.User), e.BalanceAfter)
}

// EarningsCorrected records that a correction has changed the earnings of a streamer.
type EarningsCorrected struct {
	Streamer   UserID       `json:"streamer"`   // the user whose earnings were corrected
	Correction CorrectionID `json:"correction"` // the correction that moved the coins
	Coins      Coins        `json:"coins"`      // number of coins that were added; negative if coins were taken
	Postings   []Posting    `json:"postings"`   // postings from the account of corrections to the earnings
}

func (EarningsCorrected) Type() string                 { return "earnings.corrected.v1" }
func (e EarningsCorrected) Stream() Stream             { return EarningsStream(e.Streamer) }
func (e EarningsCorrected) EventUser() UserID          { return e.Streamer }
func (e EarningsCorrected) EventPostings() []Posting   { return e.Postings }
func (e EarningsCorrected) evolve(s Earnings) Earnings { s.Taken -= e.Coins; return s }
func (e EarningsCorrected) checkPostings() error {
	return checkCorrection(e.Correction, e.Postings, e.Coins, EarningsAccount(e.Streamer), 0)
}

// checkCorrection returns an error unless postings move coins, which may be negative, from the account of corrections.
func checkCorrection(id CorrectionID, postings []Posting, coins Coins, to Account, balance Coins) error {
	if id < 1 {
		return fmt.Errorf("there is no correction %d", id)
	}
	if coins < 0 { // the same transfer, in the other direction and order
		back := make([]Posting, len(postings))
		for i, p := range postings {
			back[len(postings)-1-i] = p
		}
		return checkTransfer(back, -coins, to, CorrectionAccount, balance)
	}
	return checkTransfer(postings, coins, CorrectionAccount, to, balance)
}
