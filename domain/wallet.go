package domain

import (
	"fmt"
	"slices"
	"strconv"
)

// Wallet is the state of a user's wallet.
type Wallet struct {
	Balance Coins `json:"balance"`
}

// Wallet returns the state of a user's wallet.
func (v View) Wallet(id UserID) Wallet { return look[Wallet](v, WalletStream(id)) }

// Account is the name of an account of the double-entry bookkeeping.
type Account string

// ProviderAccount is the account of the payment provider. Its balance is the negated number of all coins ever sold.
const ProviderAccount Account = "provider"

// OperatorAccount is the account from which operators credit coins. Its balance is the negated number of these coins.
const OperatorAccount Account = "operator"

// CorrectionAccount is the counterparty of all corrections. Its balance is the negated sum of the corrections.
const CorrectionAccount Account = "correction"

// PlatformAccount is the account of the platform's share of gifts and tickets.
const PlatformAccount Account = "platform"

// PayoutAccount is the account of the earnings that were paid out. Its balance is the number of these coins.
const PayoutAccount Account = "payout"

// WalletAccount returns the account of a user's spendable coins.
func WalletAccount(u UserID) Account { return Account("user-" + strconv.FormatInt(int64(u), 10)) }

// EarningsAccount returns the account of the coins that a streamer has received for gifts and tickets.
func EarningsAccount(u UserID) Account { return Account("earnings-" + strconv.FormatInt(int64(u), 10)) }

// HeldAccount returns the account of the earnings of a streamer that are held for payouts.
func HeldAccount(u UserID) Account { return Account("held-" + strconv.FormatInt(int64(u), 10)) }

// AccountKind is the kind of an account: the part of its name before the id.
type AccountKind string

// The kinds of accounts.
const (
	ProviderKind   AccountKind = "provider"   // the account of the payment provider
	OperatorKind   AccountKind = "operator"   // the account from which operators credit coins
	CorrectionKind AccountKind = "correction" // the counterparty of corrections
	WalletKind     AccountKind = "user"       // the spendable coins of a user
	EarningsKind   AccountKind = "earnings"   // the coins that a streamer has received
	HeldKind       AccountKind = "held"       // the earnings of a streamer that are held for payouts
	PlatformKind   AccountKind = "platform"   // the platform's share of gifts and tickets
	PayoutKind     AccountKind = "payout"     // the earnings that were paid out
)

// ParseAccount returns the account with a name, such as "provider", "user-12" or "earnings-7". It reports false if no
// account can have the name.
func ParseAccount(name string) (Account, bool) {
	for _, kind := range [...]AccountKind{WalletKind, EarningsKind, HeldKind} {
		if numberAfter(string(kind)+"-", name) > 0 {
			return Account(name), true
		}
	}
	return Account(name), slices.Contains([]Account{ProviderAccount, OperatorAccount, CorrectionAccount, PlatformAccount, PayoutAccount}, Account(name))
}

// CheckBalance returns an error if an account of this kind cannot have the balance.
func (a Account) CheckBalance(balance Coins) error {
	switch {
	case a == CorrectionAccount:
	case a == ProviderAccount || a == OperatorAccount:
		if balance > 0 {
			return fmt.Errorf("the account %s cannot have %d coins", a, balance)
		}
	case balance < 0:
		return fmt.Errorf("the account %s cannot have %d coins", a, balance)
	}
	return nil
}

// AccountForms describes the names that ParseAccount accepts.
const AccountForms = "provider, operator, correction, platform, payout, user-ID (the wallet of a user), earnings-ID (the earnings of a streamer) or held-ID (earnings that are held for payouts)"

// Posting is one entry of the double-entry bookkeeping.
type Posting struct {
	Account Account `json:"account"` // name of the account, such as "provider", "user-12", "earnings-7" or "held-7"
	Amount  Coins   `json:"amount"`  // number of coins added to the account; negative if coins are removed
}

// CoinEvent is an event that moves coins between accounts.
type CoinEvent interface {
	Event
	// EventPostings returns the postings of the event. Their amounts add up to zero.
	EventPostings() []Posting
	// checkPostings returns an error unless the event has the postings that its type requires.
	checkPostings() error
}

// CheckCoinEvent returns an error unless the bookkeeping of e, an event of stream s, is consistent. The event must be
// recorded in the stream of its wallet. Its postings must add up to zero and be those that its type requires. Its
// amounts must be within their bounds. CheckCoinEvent does not check the balance before the event; the fold of the
// wallet does.
func CheckCoinEvent(s Stream, e CoinEvent) error {
	if own := e.Stream(); own != s {
		return fmt.Errorf("the event of stream %s is recorded in %s", own, s)
	}
	sum := Coins(0)
	for _, p := range e.EventPostings() {
		sum += p.Amount
	}
	if sum != 0 {
		return fmt.Errorf("the postings of %s add up to %d, not to 0", e.Type(), sum)
	}
	return e.checkPostings()
}

// checkTransfer returns an error unless postings move amount coins from one account to another, and a wallet can have
// the balance.
func checkTransfer(postings []Posting, amount Coins, from, to Account, balance Coins) error {
	switch {
	case amount < 1:
		return fmt.Errorf("the event moves %d coins", amount)
	case balance < 0 || balance > MaxCoins:
		return fmt.Errorf("a wallet cannot have %d coins", balance)
	case !slices.Equal(postings, transfer(amount, from, to)):
		return fmt.Errorf("the postings do not move %d coins from %s to %s", amount, from, to)
	}
	return nil
}

// checkBalance returns an error unless the wallet has the balance stated after amount coins are added to it.
func (w Wallet) checkBalance(amount, stated Coins) error {
	if is := w.Balance + amount; is != stated {
		return fmt.Errorf("the event states a balance of %d coins, its history adds up to %d", stated, is)
	}
	return nil
}

// transfer returns the postings that move amount coins from one account to another.
func transfer(amount Coins, from, to Account) []Posting {
	return []Posting{{from, -amount}, {to, amount}}
}

// CoinsCredited records that the coins of an order were added to a wallet. Each order has at most one such event.
type CoinsCredited struct {
	User         UserID    `json:"user"`          // the user who receives the coins
	Order        OrderID   `json:"order"`         // the order that was paid
	Coins        Coins     `json:"coins"`         // number of coins
	BalanceAfter Coins     `json:"balance_after"` // balance of the wallet after the event
	Postings     []Posting `json:"postings"`      // postings from the payment provider, or from the account of operators, to the user
}

func (CoinsCredited) Type() string               { return "coins.credited.v1" }
func (e CoinsCredited) Stream() Stream           { return WalletStream(e.User) }
func (e CoinsCredited) EventUser() UserID        { return e.User }
func (e CoinsCredited) EventPostings() []Posting { return e.Postings }
func (e CoinsCredited) evolve(w Wallet) Wallet   { w.Balance = e.BalanceAfter; return w }
func (e CoinsCredited) check(w Wallet) error     { return w.checkBalance(e.Coins, e.BalanceAfter) }

// FromOperator reports whether the coins come from the account of operators. Older events of operators have postings from
// the payment provider.
func (e CoinsCredited) FromOperator() bool {
	return len(e.Postings) > 0 && e.Postings[0].Account == OperatorAccount
}

func (e CoinsCredited) checkPostings() error {
	from := ProviderAccount
	if e.FromOperator() {
		from = OperatorAccount
	}
	return checkTransfer(e.Postings, e.Coins, from, WalletAccount(e.User), e.BalanceAfter)
}

// Share is the state of the rule that splits gifts and tickets between the streamer and the platform.
type Share struct {
	Rule        int64 `json:"rule"`         // number of the rule in force: 1, 2, 3, …; 0: no rule was set, and the platform gets nothing
	BasisPoints int   `json:"basis_points"` // share of the platform in hundredths of a percent
}

// shareStream is the stream of the rules that split gifts and tickets.
const shareStream Stream = "share"

// Share returns the rule that splits gifts and tickets now.
func (v View) Share() Share { return look[Share](v, shareStream) }

// MaxShare is the largest share of the platform in basis points. A streamer gets at least one coin of each gift or
// ticket.
const MaxShare = 9999

// wholeShare is the number of basis points of a whole.
const wholeShare = 10_000

// ShareOf returns the platform's share of coins. It rounds down: the remainder goes to the streamer.
func ShareOf(coins Coins, basisPoints int) Coins {
	bp := Coins(basisPoints)
	return coins/wholeShare*bp + coins%wholeShare*bp/wholeShare // a single multiplication could overflow
}

// SetShare sets the share of the platform in gifts and tickets from now on. Nothing changes if it is the share in
// force.
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

// ShareSet records a rule that splits the gifts and tickets after it between the streamer and the platform.
type ShareSet struct {
	Rule   int64  `json:"rule"`   // number of the rule: 1, 2, 3, …
	From   int    `json:"from"`   // previous share of the platform in basis points (hundredths of a percent)
	To     int    `json:"to"`     // new share of the platform in basis points
	Reason string `json:"reason"` // the operator's reason; not sealed
}

func (ShareSet) Type() string         { return "share.set.v1" }
func (ShareSet) Stream() Stream       { return shareStream }
func (e ShareSet) evolve(Share) Share { return Share{e.Rule, e.To} }

// split returns the postings that move the coins of a gift or ticket from the wallet of the sender to the earnings of
// the streamer and to the platform.
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

// checkSplit returns an error unless the postings of a gift, a ticket or a refund are those in want, and a wallet can
// have the balance.
func checkSplit(postings, want []Posting, balance Coins) error {
	switch {
	case balance < 0 || balance > MaxCoins:
		return fmt.Errorf("a wallet cannot have %d coins", balance)
	case !slices.Equal(postings, want):
		return fmt.Errorf("the postings are %v, the gift requires %v", postings, want)
	}
	return nil
}
