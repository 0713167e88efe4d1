package domain

import "fmt"

// GiftRecord is the state of a gift that was sent, as far as refunds read it.
type GiftRecord struct {
	Refunded bool `json:"refunded"`
}

// giftRecordStream returns the stream of a gift that was sent, given by the position of its event.
func giftRecordStream(position int64) Stream { return numberedStream("giftrecord-", position) }

// Earnings is the state of the coins of a streamer, without those that gifts have added: gifts do not belong to the
// stream of the earnings. A decision that takes coins gets the sum of the gifts from the tables. The sum only grows, so
// one that is not the newest permits less, and never more, than the balance.
type Earnings struct {
	Taken Coins `json:"taken"` // coins that were taken from the gifts
}

// EarningsStream returns the stream of the coins that are taken from the earnings of a streamer.
func EarningsStream(id UserID) Stream { return numberedStream("earnings-", int64(id)) }

// Earnings returns the state of the earnings of a streamer.
func (v View) Earnings(id UserID) Earnings { return look[Earnings](v, EarningsStream(id)) }

// checkEarnings returns a *Refusal unless the earnings of a streamer cover coins. received is the sum of the gifts.
func (v View) checkEarnings(streamer UserID, received, coins Coins) error {
	if left := received - v.Earnings(streamer).Taken; left < coins {
		return refuse(CodeEarningsTooFew, "%d coins are more than the %d coins of earnings that user %d has left", coins, max(left, 0), streamer)
	}
	return nil
}

// SentGift is a gift that was sent, as the tables describe it. Position is that of its event; 0 if there is none.
type SentGift struct {
	Position int64
	Live     LiveID
	Streamer UserID
	Sender   UserID
	Gift     GiftID
	Num      int
	Coins    Coins
}

// RefundGift gives the coins of a gift back to its sender. A gift is refunded once and as a whole. The command is refused
// if the earnings of the streamer no longer cover the gift.
type RefundGift struct {
	Position int64  `json:"position"` // position of the event of the gift
	Reason   string `json:"reason"`   // the reason of the streamer or operator, stored in the event: 1–100 characters; must not identify a person

	Sent     SentGift `json:"-"` // the gift at the position
	Received Coins    `json:"-"` // number of coins that gifts have added to the earnings of the streamer
}

func (RefundGift) Type() string { return "gift.refund" }

func (c RefundGift) Reads(Actor) []Stream {
	return []Stream{
		giftRecordStream(c.Position), liveStream(c.Sent.Live), EarningsStream(c.Sent.Streamer), WalletStream(c.Sent.Sender), coinHoldsStream,
	}
}

func (c RefundGift) decide(view View) ([]Event, error) {
	gift := c.Sent
	if c.Position < 1 || gift.Position != c.Position {
		return nil, refuse(CodeGiftRecordNotFound, "no gift was sent at position %d", c.Position)
	}
	if err := view.checkOwner(view.Live(gift.Live), gift.Live); err != nil {
		return nil, err
	}
	if view.Actor.User != 0 && view.Actor.User == gift.Sender && view.Actor.User != gift.Streamer {
		return nil, refuse(CodeForbidden, "nobody may refund the own gift: ask the streamer or another operator")
	}
	reason, err := text("reason", c.Reason, 1, MaxReason)
	if err != nil {
		return nil, err
	}
	if look[GiftRecord](view, giftRecordStream(c.Position)).Refunded {
		return nil, refuse(CodeGiftRefunded, "the gift at position %d was refunded before", c.Position)
	}
	for _, user := range []UserID{gift.Sender, gift.Streamer} {
		if err := view.coinsOpen(user); err != nil {
			return nil, err
		}
	}
	if err := view.checkEarnings(gift.Streamer, c.Received, gift.Coins); err != nil {
		return nil, err
	}
	wallet := view.Wallet(gift.Sender)
	if wallet.Balance > MaxCoins-gift.Coins {
		return nil, refuse(CodeCoinsOverflow, "a wallet must hold at most %d coins", MaxCoins)
	}
	return []Event{
		GiftRecordRefunded{gift.Position},
		EarningsRefunded{gift.Streamer, gift.Position, gift.Coins},
		GiftRefunded{
			Sender: gift.Sender, Streamer: gift.Streamer, Live: gift.Live, Gift: gift.Gift, Num: gift.Num, Position: gift.Position,
			Coins: gift.Coins, BalanceAfter: wallet.Balance + gift.Coins, Reason: reason,
			Postings: transfer(gift.Coins, EarningsAccount(gift.Streamer), WalletAccount(gift.Sender)),
		},
	}, nil
}

// GiftRecordRefunded records that a gift cannot be refunded again. The command that appends it also appends
// EarningsRefunded and GiftRefunded.
type GiftRecordRefunded struct {
	Position int64 `json:"position"` // position of the event of the gift
}

func (GiftRecordRefunded) Type() string                 { return "gift_record.refunded.v1" }
func (e GiftRecordRefunded) Stream() Stream             { return giftRecordStream(e.Position) }
func (GiftRecordRefunded) evolve(GiftRecord) GiftRecord { return GiftRecord{Refunded: true} }

// EarningsRefunded records that a refund takes coins from the earnings of a streamer. GiftRefunded moves them.
type EarningsRefunded struct {
	Streamer UserID `json:"streamer"` // the user whose earnings become smaller
	Position int64  `json:"position"` // position of the event of the gift
	Coins    Coins  `json:"coins"`    // number of coins
}

func (EarningsRefunded) Type() string                 { return "earnings.refunded.v1" }
func (e EarningsRefunded) Stream() Stream             { return EarningsStream(e.Streamer) }
func (e EarningsRefunded) EventUser() UserID          { return e.Streamer }
func (e EarningsRefunded) evolve(s Earnings) Earnings { s.Taken += e.Coins; return s }

// GiftRefunded records that the coins of a gift went back to its sender.
type GiftRefunded struct {
	Sender       UserID    `json:"sender"`        // the user who sent the gift and gets the coins
	Streamer     UserID    `json:"streamer"`      // the owner of the live, whose earnings become smaller
	Live         LiveID    `json:"live"`          // the live that received the gift
	Gift         GiftID    `json:"gift"`          // the gift that was sent
	Num          int       `json:"num"`           // number of gifts
	Position     int64     `json:"position"`      // position of the event of the gift
	Coins        Coins     `json:"coins"`         // total price that is refunded, in coins
	BalanceAfter Coins     `json:"balance_after"` // balance of the sender's wallet after the event
	Reason       string    `json:"reason"`        // the reason of the streamer or operator; not sealed
	Postings     []Posting `json:"postings"`      // the postings of the gift in the other direction
}

func (GiftRefunded) Type() string               { return "gift.refunded.v1" }
func (e GiftRefunded) Stream() Stream           { return WalletStream(e.Sender) }
func (e GiftRefunded) EventLive() LiveID        { return e.Live }
func (e GiftRefunded) EventUser() UserID        { return e.Sender }
func (e GiftRefunded) EventPostings() []Posting { return e.Postings }
func (e GiftRefunded) evolve(w Wallet) Wallet   { w.Balance = e.BalanceAfter; return w }
func (e GiftRefunded) check(w Wallet) error     { return w.checkBalance(e.Coins, e.BalanceAfter) }

func (e GiftRefunded) checkPostings() error {
	if e.Position < 1 || e.Num < 1 {
		return fmt.Errorf("the event refunds %d gifts of position %d", e.Num, e.Position)
	}
	return checkTransfer(e.Postings, e.Coins, EarningsAccount(e.Streamer), WalletAccount(e.Sender), e.BalanceAfter)
}
