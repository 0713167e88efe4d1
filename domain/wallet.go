package domain

import "strconv"

// Wallet is what a person's coin events add up to.
type Wallet struct {
	Balance Coins `json:"balance"`
}

// A Posting is one entry of double-entry bookkeeping: Amount is added to Account.
type Posting struct {
	Account Account `json:"account"` // "provider", "user-12" or "earnings-7"
	Amount  Coins   `json:"amount"`  // added to the account; negative when it is taken
}

// Account names where coins can be: with the payment provider, with a person, or earned by a streamer.
type Account string

// ProviderAccount is where coins come from: its balance is minus all coins ever sold.
const ProviderAccount Account = "provider"

// WalletAccount is the account of what a person can spend.
func WalletAccount(u UserID) Account { return Account("user-" + strconv.FormatInt(int64(u), 10)) }

// EarningsAccount is the account of what a streamer was given.
func EarningsAccount(u UserID) Account { return Account("earnings-" + strconv.FormatInt(int64(u), 10)) }

// move is amount coins going from one account to another.
func move(amount Coins, from, to Account) []Posting {
	return []Posting{{from, -amount}, {to, amount}}
}

// maxGiftNum bounds one gift, so that a slip of the thumb stays affordable.
const maxGiftNum = 9999

// SendGift asks to give num gifts to a room, paid from the sender's own wallet.
type SendGift struct {
	Live LiveID `json:"live"`
	Gift GiftID `json:"gift"`
	Num  int    `json:"num"` // how many: 1–9999
}

// Type implements Command.
func (SendGift) Type() string { return "gift.send" }

// Reads implements Command.
func (c SendGift) Reads(by Actor) []Stream {
	return []Stream{liveOf(c.Live), giftOf(c.Gift), walletOf(by.User)}
}

func (c SendGift) decide(see View) ([]Event, error) {
	sender := see.Actor.User
	live, gift, wallet := see.Live(c.Live), see.Gift(c.Gift), see.Wallet(sender)
	if c.Num < 1 || c.Num > maxGiftNum {
		return nil, refuse(CodeNumberOutOfRange, "give between 1 and %d", maxGiftNum)
	}
	if err := live.openTo(see, c.Live); err != nil {
		return nil, err
	}
	if !gift.Available {
		return nil, refuse(CodeGiftNotFound, "there is no gift %d", c.Gift)
	}
	if wallet.Balance/gift.Price < Coins(c.Num) { // a division, so that nothing can overflow
		return nil, refuse(CodeCoinsTooFew, "%d gifts cost more than the %d coins left", c.Num, wallet.Balance)
	}
	cost := gift.Price * Coins(c.Num)
	return []Event{GiftSent{
		Sender: sender, Streamer: live.Streamer, Live: c.Live,
		Gift: c.Gift, Name: gift.Name, Image: gift.Image, Price: gift.Price, Num: c.Num,
		Coins: cost, BalanceAfter: wallet.Balance - cost,
		Postings: move(cost, WalletAccount(sender), EarningsAccount(live.Streamer)),
	}}, nil
}

// GiftSent says that a gift was given and paid: debit, credit and record are this one fact.
type GiftSent struct {
	Sender       UserID    `json:"sender"`   // who gave it and paid
	Streamer     UserID    `json:"streamer"` // whose room it is, who earned it
	Live         LiveID    `json:"live"`
	Gift         GiftID    `json:"gift"`
	Name         string    `json:"name"`          // of the gift, when it was given
	Image        string    `json:"image"`         // of the gift, when it was given
	Price        Coins     `json:"price"`         // of one, when it was given
	Num          int       `json:"num"`           // how many
	Coins        Coins     `json:"coins"`         // price × num
	BalanceAfter Coins     `json:"balance_after"` // what the sender has left
	Postings     []Posting `json:"postings"`      // from the sender to the streamer's earnings
}

// Type implements Event.
func (GiftSent) Type() string { return "gift.sent.v1" }

// Stream implements Event: the sender's wallet is what can refuse.
func (e GiftSent) Stream() Stream { return walletOf(e.Sender) }

// EventLive implements LiveEvent.
func (e GiftSent) EventLive() LiveID { return e.Live }

// EventUser implements UserEvent.
func (e GiftSent) EventUser() UserID { return e.Sender }

// EventPostings implements CoinEvent.
func (e GiftSent) EventPostings() []Posting { return e.Postings }

func (e GiftSent) evolve(w Wallet) Wallet { w.Balance = e.BalanceAfter; return w }

// CoinsCredited says that bought coins arrived, once per order.
type CoinsCredited struct {
	User         UserID    `json:"user"`
	Order        OrderID   `json:"order"`
	Coins        Coins     `json:"coins"`         // how many arrived
	BalanceAfter Coins     `json:"balance_after"` // what the person has then
	Postings     []Posting `json:"postings"`      // from the payment provider to the person
}

// Type implements Event.
func (CoinsCredited) Type() string { return "coins.credited.v1" }

// Stream implements Event.
func (e CoinsCredited) Stream() Stream { return walletOf(e.User) }

// EventUser implements UserEvent.
func (e CoinsCredited) EventUser() UserID { return e.User }

// EventPostings implements CoinEvent.
func (e CoinsCredited) EventPostings() []Posting { return e.Postings }

func (e CoinsCredited) evolve(w Wallet) Wallet { w.Balance = e.BalanceAfter; return w }
