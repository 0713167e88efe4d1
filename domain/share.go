package domain

import (
	"fmt"
	"slices"
)

// Share is the state of the rule that splits gifts between the streamer and the platform.
type Share struct {
	Rule        int64 `json:"rule"`         // number of the rule in force: 1, 2, 3, …; 0: no rule was set, and the platform gets nothing
	BasisPoints int   `json:"basis_points"` // share of the platform in hundredths of a percent
}

// shareStream is the stream of the rules that split gifts.
const shareStream Stream = "share"

// Share returns the rule that splits gifts now.
func (v View) Share() Share { return look[Share](v, shareStream) }

// MaxShare is the largest share of the platform in basis points. A streamer gets at least one coin of each gift.
const MaxShare = 9999

// wholeShare is the number of basis points of a whole.
const wholeShare = 10_000

// ShareOf returns the coins of the platform when a gift costs coins. It rounds down: the remainder goes to the streamer.
func ShareOf(coins Coins, basisPoints int) Coins {
	bp := Coins(basisPoints)
	return coins/wholeShare*bp + coins%wholeShare*bp/wholeShare // a single multiplication could overflow
}

// SetShare sets the share of the platform in gifts that are sent from now on. Nothing changes if it is the share in force.
type SetShare struct {
	BasisPoints int    `json:"basis_points"` // share of the platform in hundredths of a percent: 0–9999
	Reason      string `json:"reason"`       // the operator's reason, stored in the event: 1–100 characters; must not identify a person
}

func (SetShare) Type() string { return "share.set" }

func (SetShare) Reads(Actor) []Stream { return []Stream{shareStream, coinHoldsStream} }

func (c SetShare) decide(view View) ([]Event, error) {
	if c.BasisPoints < 0 || c.BasisPoints > MaxShare {
		return nil, refuse(CodeNumberOutOfRange, "basis_points must be from 0 to %d: 100 are one percent", MaxShare)
	}
	reason, err := text("reason", c.Reason, 1, MaxReason)
	if err != nil {
		return nil, err
	}
	now := view.Share()
	if now.BasisPoints == c.BasisPoints {
		return nil, nil
	}
	if err := view.coinsOpen(0); err != nil {
		return nil, err
	}
	return []Event{ShareSet{now.Rule + 1, now.BasisPoints, c.BasisPoints, reason}}, nil
}

// ShareSet records a rule that splits the gifts after it between the streamer and the platform.
type ShareSet struct {
	Rule   int64  `json:"rule"`   // number of the rule: 1, 2, 3, …
	From   int    `json:"from"`   // previous share of the platform in basis points (hundredths of a percent)
	To     int    `json:"to"`     // new share of the platform in basis points
	Reason string `json:"reason"` // the operator's reason; not sealed
}

func (ShareSet) Type() string         { return "share.set.v1" }
func (ShareSet) Stream() Stream       { return shareStream }
func (e ShareSet) evolve(Share) Share { return Share{e.Rule, e.To} }

// split returns the postings that move the coins of a gift from the wallet of its sender to the earnings of its streamer and to
// the platform.
func split(coins, share Coins, sender, streamer UserID) []Posting {
	postings := []Posting{{WalletAccount(sender), -coins}, {EarningsAccount(streamer), coins - share}}
	if share != 0 {
		postings = append(postings, Posting{PlatformAccount, share})
	}
	return postings
}

// unsplit returns the postings that undo those of split.
func unsplit(coins, share Coins, sender, streamer UserID) []Posting {
	postings := transfer(coins-share, EarningsAccount(streamer), WalletAccount(sender))
	if share != 0 {
		postings[1].Amount += share
		postings = append(postings, Posting{PlatformAccount, -share})
	}
	return postings
}

// checkSplit returns an error unless the postings of a gift or of its refund are those in want, and a wallet can have the balance.
func checkSplit(postings, want []Posting, balance Coins) error {
	switch {
	case balance < 0 || balance > MaxCoins:
		return fmt.Errorf("a wallet cannot have %d coins", balance)
	case !slices.Equal(postings, want):
		return fmt.Errorf("the postings are %v, the gift requires %v", postings, want)
	}
	return nil
}
